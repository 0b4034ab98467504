"""Rounds: six steps in order, each of which can be repeated without harm.

- ``runner`` runs a round or resumes one; ``plan`` says what the next one would do; ``status`` reports on the project.
- ``steps`` holds the six steps, a module each: pull, train, evaluate, predict, select, push.
- ``context`` holds what every step receives; ``lock`` keeps a second round of the same project out.
- ``readiness`` decides whether a round waits; ``pool`` lists the documents it works on; ``seeds`` derives its seeds.
- ``expected_seconds`` says how long each candidate is expected to take annotators.
- ``half_done`` handles tasks that need a further answer, ``unasked`` labels added later, ``replacement`` lost models.
- ``stopping_advice`` evaluates the stopping criteria; ``notes`` puts findings about answers into sentences.

``runner``, ``plan`` and ``status`` may import the steps. Steps may import the modules beside ``steps``, but never these
three.
"""
