"""The explorer: bounded exhaustive search over the production FlashSync machines, and the mutants that it must kill.

``world``       processes, streams and appends on their way, as one immutable value
``steps``       what may happen next, driven by the production machines
``invariants``  what must hold after every step, judged from the raw streams by simple means
``mutants``     the production machines with one rule taken out each
``explorer``    breadth-first search, shortest trace first
"""
