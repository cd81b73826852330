"""The message itself (RFC 5322): what it may look like, what a person sees in it, and its DKIM signature. Pure.

``header``    the header block, tolerantly
``address``   reverse-path and recipients (RFC 5321, 6531)
``validate``  what is refused, and where it stands
``prepare``   Date and Message-ID, added once
``build``     a message from fields and texts
``dkim``      signatures (RFC 6376, 8463)
``dsn``       reports to senders, written (RFC 3464)
``feedback``  reports and complaints, read (RFC 3464, 5965)

What is scored, from octets to text:

``charset``   octets in a declared charset
``words``     encoded words (RFC 2047) and the mailbox of From
``mime``      the parts that are shown, decoded, tolerantly
``style``     which text a style hides
``html``      what a reader sees of HTML, and what is hidden
``normal``    text as it looks: no invisible characters, no look-alikes
``links``     where links go, and their tricks
``text``      the text that is scored, with its features
"""
