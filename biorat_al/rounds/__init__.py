"""Rounds: steps in order, each of which can be repeated without harm.

- ``runner`` runs a round or resumes one; ``plan`` says what the next one would do; ``status`` reports on the project.
- ``steps`` holds the steps, a module each: pull, train, predict, select, push, evaluate; and compare.
- ``context`` holds what every step receives, and the settings of a resumed round.
- ``lock`` keeps a second round of the same project out.
- ``readiness`` decides whether a round waits; ``pool`` lists the documents it works on; ``seeds`` derives its seeds.
- ``pre_labels/`` is pre-labels from files and dictionaries.
- ``borrowing/`` is a start from corpora that others annotated.
- ``half_done`` handles tasks that need a further answer, ``unasked`` labels added later.
- ``models/`` is what happens to trained models: their committee and its calibration, and lost or changed ones.
- ``computing/`` is where the arms are trained and the pool is predicted: on one device, on several, or on Ray.
- ``out_of_fold/`` trains models for an audit, each of which reads documents that it has not learnt from.
- ``team/`` is a group of annotators: who is asked for what, and the projects that each of them has.
- ``completing`` orders documents that were begun by sentences, and gives them their pre-labels.
- ``settling/`` asks people again, about what annotators disagree on and what an audit found.
- ``unit`` decides whether a round asks for documents or sentences; ``segments`` cuts the documents for it.
- ``expected_seconds`` says how long each candidate is expected to take annotators.
- ``stopping_advice`` evaluates the stopping criteria; ``notes`` puts findings about answers into sentences.

``runner``, ``plan``, ``status``, ``settling`` and ``out_of_fold`` may import the steps. Steps may import the modules
beside ``steps``, but never these.
"""
