"""Audit of an annotated corpus: what looks wrong, worst first.

- ``annotated``: a document as words, with its mentions as ranges of words.
- ``shares``: the probability of an error from the share of other places that are marked (beta-binomial).
- ``places``: all places of each string that is marked somewhere.
- ``findings``: a finding, its evidence, and how findings on one place become one.
- ``strings``, ``borders``, ``habits``, ``lengths``, ``twins``, ``predictions``, ``doubted_words``: one kind of evidence
  each. Other places of the same string; words at borders; shapes and habits by annotator; mentions far longer than
  others; near-duplicate documents; mentions that a model predicts that had not learnt from the document; words at which
  it is sure of something else.
- ``confident``: the thresholds and decisions of confident learning, on which ``doubted_words`` rests.
- ``audit``: all of it together.
- ``of_project``, ``of_files``: the annotations that count in a project and the predictions that its store keeps; the
  annotations of files.

The others know neither store nor files: they take documents and annotations.
"""
