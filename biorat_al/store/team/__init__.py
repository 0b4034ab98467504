"""A group of annotators.

- ``members``: who belongs to the group, and the projects that each of them has on the desk.
- ``seats``: which documents each member is asked for; it imports ``members``.
- ``earlier``: test documents that were asked for before there was a group.
"""
