"""Delivery decisions, no sockets: where mail goes and when it is tried again.

``route``      sandbox, smarthost or MX, by domain
``answer``     what the DNS said, as a value
``exchanger``  which hosts take a domain's mail, in which order, at which addresses
``retry``      the tiers of deferral
``split``      a unit of several destinations
``turns``      whose turn it is among lanes
"""
