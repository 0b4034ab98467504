"""The members of a group: how they join and leave, what they have done, and how a name is removed.

- ``names``: names as people write them, compared with the members.
- ``forgotten``: names that were removed, recognised in what the desk still has.
- ``joining``: people join, are invited, and leave.
- ``work``: what each person was asked for and has done.
- ``forgetting``: a name is removed, and the work stays.

A module imports only those before it.
"""
