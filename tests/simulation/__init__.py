"""The simulator: the production machines on a virtual clock, with faults that a seed chooses.

``clock``        virtual time, and processes that die and freeze
``store``        the log, whose appends are late, torn or fenced
``leader``       a coordinator process around ``flashsync.coordinator``
``door``         a gateway process around ``admission.replay``, and the customers that submit until they are answered
``worker``       a node process around ``flashsync.node``, ``flashsync.lease``, ``flashsync.unit`` and ``smtp.session``
``peer``         the receiving host around ``smtp.server``, and what it does wrong
``plan``         what a seed makes happen: mails and faults, in pairs
``world``        one run of a plan
``judge``        what must hold during a run and behind it
``shrink``       the smallest part of a failing plan that still fails
"""
