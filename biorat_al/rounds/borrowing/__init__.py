"""A borrowed start: corpora that others annotated, and the model trained on them from which rounds begin.

- ``copying``: copies corpora into a new project, without documents that resemble the project's own.
- ``kept``: the borrowed documents in the project's folder, and what is known about each corpus.
- ``training``: the one training on them, kept as long as nothing that it depends on changes.
- ``comparison``: the borrowed start against the base encoder, on the project's own answers.
- ``start``: where a round's models begin, and the borrowed model that pre-labels the first batch.

``kept`` < ``copying``; ``kept`` < ``training`` < ``comparison`` < ``start``.
"""
