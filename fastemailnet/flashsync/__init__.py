"""FlashSync: who may send what, exactly once. Pure machines; the log is the arbiter, calls between actors are only hints.

``frames``       what is written to the streams ``control`` and ``journal``
``progress``     which offsets of one partition are leased, free or done; the low watermark
``fold``         state = fold(control, journal): the one place where a frame's validity is decided
``opened``       the attempts that are open, with what is asked about them all the time
``waits``        how long each doubt waits, and what then becomes of it
``coordinator``  grants, fences and resolves, from the fold alone
``node``         the right of one node incarnation to act: leases, fence, deadline, the point of no return
``unit``         one attempt of one unit on a node, as a table
"""
