"""Delivery decisions, no sockets: where mail goes and when it is tried again.

``route``  sandbox, smarthost or MX
``retry``  the tiers of deferral, by why it failed
``split``  a unit of several destinations
``report``  what the sender is told
``suppression``  whom no mail is sent to
``feedback``  what comes back about mail that was taken
"""
