"""HTTP: the API of the gateway. Knows no Ray; what it needs from the fleet comes in as two small protocols.

``api``      the application: routes, and the protocols behind them
``submit``   POST /v1/messages, the one that must be fast
``mails``    the JSON forms of a submission
``answers``  errors as status and JSON
"""
