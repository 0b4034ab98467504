"""What was measured of a model is read back as it was written, and replaced as a whole."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from biorat_al.store.documents import documents_by_key
from biorat_al.store.evaluations import (
    Measure,
    TotalCounts,
    document_counts_of,
    evaluation,
    relation_counts_of,
    relation_evaluation,
    reliability_of,
    replace_evaluation,
    replace_relation_evaluation,
    replace_reliability,
    replace_robustness,
    robustness_of,
)
from biorat_al.store.store import Store, now
from biorat_al.store.tables import ModelRow, RoundRow
from tests.store.conftest import record

KEYS = ("b", "a", "c")


@pytest.fixture
def row_ids(store: Store, fill: Callable[..., object]) -> dict[str, int]:
    """Return the row ids of three test documents, with two models beside them: ``first`` and ``second``."""
    fill([record("p", "Gout.")], test=[record(key, f"Asthma is {key}.") for key in KEYS])
    with store.write() as session:
        session.add(RoundRow(number=1, state="done", request={}, settings={}, program_version="1", started_at=now()))
        session.flush()
        for arm in ("first", "second"):
            session.add(
                ModelRow(
                    version=arm, round_number=1, arm=arm, selecting=False, sha256="0", summary={}, created_at=now()
                )
            )
    with store.read() as session:
        return {key: row_id for key, (row_id, _) in documents_by_key(session, KEYS).items()}


def counts(tp: int, fp: int, fn: int) -> dict[str, int]:
    return {"true_positives": tp, "false_positives": fp, "false_negatives": fn}


def test_counts_are_summed_by_label_and_by_document(store: Store, row_ids: dict[str, int]) -> None:
    with store.write() as session:
        for version, more in (("first", 0), ("second", 5)):
            rows = [
                {"document_id": row_ids["b"], "label": "Disease", **counts(1 + more, 2, 3)},
                {"document_id": row_ids["b"], "label": "Gene", **counts(0, 1, 0)},
                {"document_id": row_ids["a"], "label": "Disease", **counts(4, 0, 0)},
            ]
            replace_evaluation(session, version, rows)
    with store.read() as session:
        assert document_counts_of(session, "first") == {"b": (1, 3, 3), "a": (4, 0, 0)}
        assert document_counts_of(session, "none") == {}
        found = evaluation(session, "first")
        assert found == {
            "Disease": TotalCounts(2, 5, 2, 3),
            "Gene": TotalCounts(1, 0, 1, 0),
            None: TotalCounts(2, 5, 3, 3),
        }
        assert evaluation(session, "second")[None].true_positives == 10
        assert evaluation(session, "none") == {}
    with store.write() as session:
        replace_evaluation(session, "first", [])
    with store.read() as session:
        assert evaluation(session, "first") == {}
        assert evaluation(session, "second")[None].true_positives == 10


def test_bins_come_back_in_order_and_replace_earlier_ones(store: Store, row_ids: dict[str, int]) -> None:
    with store.write() as session:
        replace_reliability(session, "first", [{"bin": 0, "count": 9, "confidence": 0.2, "right": 0}])
        replace_reliability(
            session,
            "first",
            [{"bin": bin, "count": bin, "confidence": bin / 3, "right": bin // 2} for bin in (9, 0, 4)],
        )
    with store.read() as session:
        assert [(row.bin, row.count, row.confidence, row.right) for row in reliability_of(session, "first")] == [
            (0, 0, 0.0, 0),
            (4, 4, 4 / 3, 2),
            (9, 9, 3.0, 4),
        ]
        assert reliability_of(session, "second") == []


def test_robustness_comes_back_by_condition_and_document(store: Store, row_ids: dict[str, int]) -> None:
    rows = [
        {"condition": condition, "document_id": row_ids[key], **counts(number, 0, 1)}
        for condition, number in (("typos", 1), ("swap", 2))
        for key in ("c", "b")
    ]
    with store.write() as session:
        replace_robustness(session, "first", rows)
        replace_robustness(session, "second", rows[:1])
        replace_robustness(session, "first", rows)
    with store.read() as session:
        assert robustness_of(session, "first") == {
            "typos": {"c": (1, 0, 1), "b": (1, 0, 1)},
            "swap": {"c": (2, 0, 1), "b": (2, 0, 1)},
        }
        assert robustness_of(session, "second") == {"typos": {"c": (1, 0, 1)}}
        assert robustness_of(session, "none") == {}


def test_relations_come_back_by_measure_label_and_document(store: Store, row_ids: dict[str, int]) -> None:
    def rows(*measures: Measure, more: int = 0) -> list[dict[str, object]]:
        return [
            {"document_id": row_ids[key], "label": label, "entities": measure.entities, "level": measure.level, **given}
            for measure in measures
            for key, label, given in (
                ("c", "treats", counts(1 + more, 0, 2)),
                ("b", "causes", counts(0, 3, 0)),
                ("b", "treats", counts(2, 0, 0)),
            )
        ]

    gold, ours = Measure("gold", "mention"), Measure("predicted", "mention")
    concepts = Measure("gold", "document")
    with store.write() as session:
        replace_relation_evaluation(session, "first", rows(ours, more=8))
        replace_relation_evaluation(session, "second", rows(concepts, ours, gold))
        replace_relation_evaluation(session, "first", rows(gold, ours, concepts, more=4))
    with store.read() as session:
        found = relation_counts_of(session, "first")
        assert list(found) == [gold, concepts, ours]
        assert found[ours] == {"causes": {"b": (0, 3, 0)}, "treats": {"b": (2, 0, 0), "c": (5, 0, 2)}}
        assert relation_evaluation(session, "first") == dict.fromkeys(found, TotalCounts(2, 7, 3, 2))
        assert relation_evaluation(session, "second")[ours] == TotalCounts(2, 3, 3, 2)
        assert relation_evaluation(session, "none") == relation_counts_of(session, "none") == {}
        assert evaluation(session, "first") == {}
    with store.write() as session:
        replace_relation_evaluation(session, "first", [])
    with store.read() as session:
        assert relation_counts_of(session, "first") == {}
        assert relation_counts_of(session, "second").keys() == {gold, concepts, ours}
