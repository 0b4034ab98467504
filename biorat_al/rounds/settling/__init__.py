"""Asking people again: an adjudicator about what annotators disagree on, anybody about what an audit found.

- ``asking`` makes, withdraws and replaces the tasks of either kind.
- ``adjudicating`` chooses documents with disputes; ``reviewing`` those in which an audit found something.
- ``progress`` says how much is settled, and how much is open.

``asking`` < ``adjudicating`` | ``reviewing``; ``progress`` imports none of them.
"""
