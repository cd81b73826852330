"""SMTP as pure machines (RFC 5321): what is said and what it means. Sockets are in ``net``.

``reply``      replies, parsed from any split of the stream
``extension``  what a server offers
``content``    dot stuffing
``session``    a client's transaction, with the point of no return
``classify``   the delivery policy: what a reply or its absence means (``bounce_rules``: why, as data)
``fit``        what a peer cannot be given at all
``lines``      MAIL and RCPT as a client writes them
``dsn``        NOTIFY, ORCPT, RET, ENVID (RFC 3461)
``server``     a server's session: submission, capture inbox, benchmark sink
"""
