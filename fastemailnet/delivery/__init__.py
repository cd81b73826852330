"""Delivery decisions, no sockets: where mail goes and when it is tried again.

``route``  sandbox, smarthost or MX
``retry``  the tiers of deferral
``split``  a unit of several destinations
"""
