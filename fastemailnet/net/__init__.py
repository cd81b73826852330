"""Sockets, TLS and DNS. I/O only: what is said and decided is in ``smtp`` and ``delivery``."""
