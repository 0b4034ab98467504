"""The results of the commands as plain text of at most 80 columns.

Most modules belong to one command: each has a function that takes the command's result and returns its text.

- ``init``, ``round``, ``status``, ``agreement``, ``export``, ``simulation``, ``label_studio``, ``doctor``: the command
  of that name (``simulation``: ``simulate``)
- ``coverage``: which share of all mentions has been found
- ``plan``: ``round --dry-run``
- ``corpus``: ``convert`` and ``validate``
- ``audit``: ``audit``, as text and as CSV; ``audit_page``: its page
- ``settling``: ``biorat-al adjudicate`` and ``audit --push``
- ``text``: what they share: tables, notes, percentages, durations

All of them may import ``text``, which imports none of them. Nothing here prints; the command line does.
"""
