"""From a submission to units. Pure: time and randomness come in as values.

``submission``  what comes in and what is answered
``admit``       the whole decision: validate, complete, split by destination
``lane``        which lane a message travels in
``headers``     the envelope that a message's own header fields name
``networks``    who may relay
``tenants``     whose mail it is, by the key that comes with it, and as whom a tenant may send
``replay``      idempotency keys: what they name, and whether a message is the one that came first
"""
