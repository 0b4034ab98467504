"""What the commands on a group of annotators print.

- ``agreement``: ``agreement``
- ``audit``: ``audit``, as text and as CSV; ``audit_page``: its page, which imports ``audit``
- ``settling``: ``adjudicate`` and ``audit --push``
- ``team``: ``team add``, ``team status`` and the other commands on the members
"""
