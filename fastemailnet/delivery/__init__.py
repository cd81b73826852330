"""Delivery decisions, no sockets: where mail goes and when it is tried again.

``route``        sandbox, smarthost or MX, by domain
``answer``       what the DNS said, as a value
``exchanger``    which hosts take a domain's mail, in which order, at which addresses
``demand``       how a connection must be protected: route, promises of the domain, wish of the sender
``sts``          MTA-STS policies, ``dane`` TLSA records, ``broken_tls`` hosts whose TLS broke
``tls_report``   what sessions showed, and the daily report of it
``retry``        the tiers of deferral, by why it failed
``split``        a unit of several destinations
``pause``        hosts that cannot be spoken to, and who tries them
``turns``        whose turn it is among lanes
``shaping``      how fast and how wide mail goes to a site, and what replies change about that
``report``       what the sender is told
``suppression``  whom no mail is sent to
``feedback``     what comes back about mail that was taken
"""
