"""The ledger's pure room: a C2SP tiled transparency log (RFC 6962 tree) in which every block ends in a seal leaf.

Nothing here opens a file, reads a clock or draws a random number. ``fact`` is what comes in, ``leaf`` what it
becomes, ``batch`` the machine that turns facts into blocks and names, in the order in which they must become durable,
the effects that ``fastemailnet.archive`` carries out; ``replay`` judges what a start finds on disk; ``receipt`` is
what goes out.
"""
