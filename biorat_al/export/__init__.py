"""Export of the annotated corpus, and of predictions.

- ``export`` writes the corpus in BigBio's layout or as JSON lines, split into train, validation and test.
- ``splits`` gathers what is exported: whole documents, also those whose sentences were annotated one by one.
- ``history`` records where each exported annotation came from, and the ties that no majority decided.
- ``card`` gathers what the data card says about how the documents were chosen, and the user's own texts.
- ``notes`` says in sentences what an export leaves out.

``notes`` imports ``export``, which imports ``card``; that imports ``splits``, which imports ``history``. The room uses
rounds, people, store and corpus; none of these imports it.
"""
