"""The ledger's files. Everything here does I/O and decides nothing: what to write, and in which order,
``fastemailnet.ledger`` says.

A ledger directory::

    journal/<generation>-<first leaf>.wal   the truth: append-only frames, one a block
    lock.db                                 origin -> generation of the writer and its last signed checkpoint
    receipts.db                             openings (facts with their salts) by leaf, message, delivery and recipient
    export/                                 the published site: checkpoint, tile/…, policy.txt
"""
