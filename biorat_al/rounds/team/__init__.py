"""Rounds of a group of annotators, each of whom has projects on the desk; without a group, everybody shares these.

- ``places``: a project on the desk, which is everybody's or one member's, and how it is prepared.
- ``doubles``: documents drawn for two people, before anything is selected.
- ``assigning``: which documents of a round go to whom, and which of them to two people.
- ``batches``: what goes to each project.
- ``sending``: tasks are sent to a project, once, whatever is cut off.
- ``moving``: tasks of one member are given to another.
- ``fetching``: what was done in all projects of a role, and what became of each seat.
"""
