"""Processes to kill: forked from a server that has imported what a round needs, which takes longer than the round.

Python keeps one such server for all contexts, and the last list of modules counts; so there is one list.
"""

from __future__ import annotations

import multiprocessing

import pytest

forked = multiprocessing.get_context("forkserver")
forked.set_forkserver_preload(
    [
        "pytest",
        "sklearn.feature_extraction.text",
        "transformers.models.auto.modeling_auto",
        "transformers.models.auto.tokenization_auto",
        "transformers.models.bert.modeling_bert",
        "transformers.models.bert.tokenization_bert",
        "biorat_al.learner.predictor",
        "biorat_al.learner.entities.training",
        "biorat_al.learner.relations.training",
        "tests.support.rounds",
    ]
)


@pytest.fixture
def forked_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fork the processes that the program starts, each of which would import all that again."""
    known = multiprocessing.get_context
    monkeypatch.setattr(multiprocessing, "get_context", lambda name=None: forked if name == "spawn" else known(name))
