"""How often annotators are upheld."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from biorat_al.corpus.model.document import Annotation
from biorat_al.people.settling.accepted import accepted
from biorat_al.people.settling.upheld import Upheld
from biorat_al.people.share_interval import share_interval
from tests.people.factories import marked, mention
from tests.people.settling.factories import answers, compared

ASPIRIN, PAIN, SEVERE = mention("Chemical", (0, 7)), mention("Disease", (22, 30)), mention("Disease", (15, 30))


@given(answers(), st.data())
def test_an_annotator_who_is_accepted_is_upheld_everywhere(given: dict[str, Annotation], data: st.DataObject) -> None:
    found = compared(given)
    side = data.draw(st.sampled_from(sorted(given)))
    upheld = Upheld()
    upheld.add(found.differences, accepted(found.marked, found.differences, side), 1)
    name = found.differences.sides[side]
    places = len(found.differences.mention_places()) + len(found.differences.relation_places())
    assert upheld.count(name) == (places, places)
    assert upheld.neither == 0
    for one, label in upheld.of:
        of, kept = upheld.count(one, label)
        assert kept <= of <= places
        assert one != name or kept == of


def test_borders_labels_and_nothing_are_counted() -> None:
    symptom = mention("Symptom", (0, 7))
    found = compared({"A": marked(ASPIRIN, PAIN), "B": marked(symptom, SEVERE)})
    upheld = Upheld()
    # A is right on the label, and both are wrong on the borders
    upheld.add(found.differences, marked(ASPIRIN, mention("Disease", (20, 30))), 1)
    assert {key: upheld.count(*key) for key in upheld.of} == {
        ("annotator-1", None): (2, 1),
        ("annotator-2", None): (2, 0),
        ("annotator-1", "Chemical"): (1, 1),
        ("annotator-1", "Symptom"): (1, 1),
        ("annotator-2", "Chemical"): (1, 0),
        ("annotator-2", "Symptom"): (1, 0),
        ("annotator-1", "Disease"): (1, 0),
        ("annotator-2", "Disease"): (1, 0),
    }
    assert upheld.neither == 1


def test_agreed_mentions_say_nothing_of_a_dispute_that_they_overlap() -> None:
    found = compared({"A": marked(SEVERE, PAIN), "B": marked(SEVERE)})
    upheld = Upheld()
    upheld.add(found.differences, marked(SEVERE), 1)
    assert (upheld.count("annotator-1"), upheld.count("annotator-2")) == ((1, 0), (1, 1))


def test_sentences_of_one_document_are_one_document_of_the_interval() -> None:
    found = compared({"A": marked(ASPIRIN), "B": marked()})
    upheld = Upheld()
    for truth in (marked(ASPIRIN), marked()):
        upheld.add(found.differences, truth, 7)
    assert (upheld.documents, upheld.count("annotator-1", "Chemical")) == (2, (2, 1))
    assert upheld.interval("annotator-1", "Chemical") is None
    upheld.add(found.differences, marked(ASPIRIN), 8)
    assert upheld.interval("annotator-1") == share_interval([(1, 2), (1, 1)])
    assert upheld.as_dict()["annotators"]["annotator-2"] == {
        "places": 3, "upheld": 1, "interval": share_interval([(1, 2), (0, 1)]),
        "labels": {"Chemical": {"places": 3, "upheld": 1, "interval": share_interval([(1, 2), (0, 1)])}},
    }  # fmt: skip
