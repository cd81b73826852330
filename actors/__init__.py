"""The fleet's processes. The only package that imports ray, and only ``fleet`` does.

``coordinator``  FlashSync's leader: reads the streams, feeds the machine, appends what it decides
``node``         a processing node: leases in, mail out
``classifier``   the batched spam model
``ledger``       journal in, Merkle leaves, checkpoints and receipts out
``gateway``      HTTP and SMTP submission, and the read side
``inbox``        the capture inbox: where the sandbox route delivers
``fleet``        wraps the plain classes by ray.remote, starts, watches and stops them
``main``         the command line
"""
