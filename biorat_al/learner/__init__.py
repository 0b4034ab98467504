"""The models: training, prediction and scoring of entities and of the relations between them.

- ``types``: examples, predictions, uncertainties and trained models, which all rooms share.
- ``encoder/``: the pretrained encoder, its tokenizer, its windows, and a model's folder on disk.
- ``training/``: the training loop of both kinds of networks, with random adversarial training.
- ``entities/``, ``relations/``: the two learners, with twin modules: batching, network, training, scoring.
- ``counts``, ``disputes``, ``scaling``: right and wrong mentions, what is masked, calibration.
- ``perturbed_documents``: the test documents with typing errors, changed case, swapped entities.
- ``committee/``: the mean of several models' probabilities.
- ``predictor``: a model's or a committee's predictions of entities and relations together.

A room imports only from rooms to its left: ``types`` < ``encoder``, ``counts``, ``disputes``, ``scaling`` <
``training`` < ``entities`` | ``relations`` < ``committee`` < ``predictor``; ``perturbed_documents`` imports ``types``
alone. ``entities`` and ``relations`` do not import each other.
"""
