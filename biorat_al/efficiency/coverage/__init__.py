"""Which share of all mentions in the pool has been found, what that rests on, and the hours until 95 % are found.

- ``coverage``: the answer as a whole; ``hours``: annotation until a share is found.
- ``samples``: what rounds drew at random, and a test set drawn at random; ``texts``: the texts of the pool, and what
  was found in each.
- ``estimate``: the mentions that are left, from random samples, with an interval; numbers in, numbers out.

``estimate < texts < samples < coverage``; ``hours`` imports ``estimate`` and ``texts``, and ``coverage`` imports it.
"""
