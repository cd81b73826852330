"""How fast and how wide mail goes to a site, and what replies change about that. KumoMTA's shaping.toml, read as is.

``limits``     rates, durations and the effective limits of a site
``options``    every option that such a file may have: how its value is read, and whether it is heeded here
``rules``      automation: what is done when a reply has certain words
``policy``     blocks of the files, the site of a domain, its limits and rules
``reader``     from the text of files to a policy
``frames``     what is written about replies and about what people decide
``overrides``  the fold of those frames: what holds now
``terms``      the limits of a site as its door is held to them
``explain``    what people are told of a site

A **site** is a set of MX hosts. Domains with the same hosts share one, since their mail meets the same servers; a domain that asks
for it (``mx_rollup = false``) is a site of its own. A **provider** is a name for many sites: those all of whose hosts match it.
"""
