"""Annotators who answer the same documents: how far they agree, and what they dispute.

- ``agreement`` computes strict span F1 of each pair of annotators, with bootstrap intervals.
- ``disputes`` counts what a majority could not decide, and says it in sentences.
- ``audit/`` finds what looks wrong in annotated documents: the same string marked here and not there, and the like.

``disputes`` imports ``agreement``, never the other way round. Rounds and exports use both; this room imports the store,
the corpus and the learner's counts, but no round and no export.
"""
