"""The members of a group: how they join and leave, what they have done, and how a name is removed.

- ``names``: names as people write them, compared with the members.
- ``joining``: people join, are invited, and leave.
- ``work``: what each person was asked for and has done.

A module imports only those before it.
"""
