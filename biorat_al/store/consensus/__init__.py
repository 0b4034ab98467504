"""One annotation out of those of several annotators.

- ``majority``: the mentions and relations that more than half of the annotators have, and what could not be decided.
- ``extras``: the same for what formats carry beyond mentions, concepts and relations.

``majority`` imports ``extras``; both know the corpus and nothing of the database.
"""
