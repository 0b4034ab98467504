"""Pre-labels that no model of the project makes: predictions of anything else in a file, and dictionaries.

- ``kept``: the files in the project's folder, and what is known about each.
- ``copying``: copies them into a new project, and checks them.
- ``pre_labeller``: what predicts documents from such a file, and the rows that it writes.
- ``choice``: whose pre-labels the next batch is shown with.

``kept`` < ``copying`` | ``pre_labeller`` < ``choice``.
"""
