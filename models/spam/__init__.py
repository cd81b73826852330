"""The spam model: ``runtime`` serves it, ``train`` makes it, ``evaluate`` judges it, ``CARD.md`` says what it is worth."""
