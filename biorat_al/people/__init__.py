"""Annotators who answer the same documents: how far they agree, and what they dispute.

- ``assignment`` spreads documents over the annotators of a group.
- ``pseudonyms``: what annotators are called in exports and reports.
- ``bootstrap`` computes confidence intervals by resampling documents; ``share_interval`` those of a share of places.
- ``agreement`` computes strict span F1 of each pair of annotators; rounds and exports show it.
- ``disputes`` counts what a majority could not decide, and says it in sentences.
- ``doubles`` reads the texts that several people annotated, each alone.
- ``pairing`` pairs the mentions of two annotators; ``compared_text`` counts what two annotators of a text have in
  common.
- ``chance``: agreement on tokens, corrected for chance (kappa and alpha).
- ``pre_label_bias`` compares answers with and without pre-labels; ``pre_label_answers`` reads them.
- ``work_by_annotator``: who has annotated how much.
- ``ceiling``: what annotators reach on the test set, beside the newest model.
- ``agreement_figures`` computes the figures of a pair, or of all pairs, with their intervals.
- ``agreement_report`` puts these together, with examples of what annotators disagree on.
- ``team/``: the members of a group: how they join and leave, and what each has done.
- ``audit/`` finds what looks wrong in annotated documents: the same string marked here and not there, and the like.
- ``settling/`` compares the answers to a document, for an adjudicator, and counts who was upheld.

A module imports only those before it. Rounds and exports use this room; it imports the store, the corpus and the
learner's counts, but no round and no export.
"""
