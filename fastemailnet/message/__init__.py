"""The message itself (RFC 5322): what it may look like, what a person sees in it, and its DKIM signature. Pure.

``header``    the header block, tolerantly
``address``   reverse-path and recipients (RFC 5321, 6531)
``validate``  what is refused, and where it stands
``prepare``   Date and Message-ID, added once
``build``     a message from fields and texts
``mime``      parts and their decoded content, tolerantly
``html``      what a reader sees of HTML, and what is hidden
``text``      the text that is scored, with its features
``dkim``      signatures (RFC 6376, 8463)
"""
