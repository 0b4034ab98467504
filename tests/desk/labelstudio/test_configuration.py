"""The labelling configuration that is written, and what is made of one that people changed."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from biorat_al.desk.labelstudio.configuration import (
    HOTKEYS,
    PALETTE,
    Configuration,
    Mark,
    all_changes,
    changes,
    labelling_configuration,
    project_title,
    word,
)
from biorat_al.errors import DeskError
from biorat_al.settings import SAME_MENTION

_LABELS = st.lists(
    st.text(
        st.characters(exclude_categories=["Cc", "Cs", "Cn", "Co"], exclude_characters="\ufffe\uffff"), min_size=1
    ).filter(lambda label: not label.startswith("$")),
    min_size=1,
    max_size=5,
    unique=True,
)


@given(_LABELS, _LABELS)
def test_labels_come_back_whatever_is_in_them(labels: list[str], relations: list[str]) -> None:
    configuration = Configuration.parse(labelling_configuration(labels, relations))
    assert configuration.labels == tuple(labels)
    assert configuration.relations == tuple(relations)
    assert configuration.joined
    assert (configuration.control, configuration.text) == ("label", "text")


def test_label_studio_itself_accepts_it() -> None:
    from label_studio_sdk.label_interface import LabelInterface

    interface = LabelInterface(labelling_configuration(["Chemical", 'A "b" <c> & d'], ["treats"]))
    interface.validate()
    assert interface.get_control("label").labels == ["Chemical", 'A "b" <c> & d']


def test_annotators_see_the_document_and_mark_single_characters() -> None:
    xml = labelling_configuration(["Chemical"])
    assert 'value="$document_id"' in xml
    assert 'granularity="symbol"' in xml
    assert xml.count("<Relation ") == 1
    assert f'<Relation value="{SAME_MENTION}"/>' in xml
    # only arrows need room between the lines
    assert "<Style>" not in xml
    assert "line-height" in labelling_configuration(["Chemical"], ["treats"])


def test_more_labels_than_colours_and_keys() -> None:
    xml = labelling_configuration([f"L{number}" for number in range(40)])
    assert xml.count('hotkey="') == len(HOTKEYS)
    assert xml.count(f'background="{PALETTE[0]}"') == 3
    assert len(set(HOTKEYS)) == len(HOTKEYS)
    assert len(set(PALETTE)) == len(PALETTE)


@pytest.mark.parametrize("label", ["$price", "two\nlines", "a\tb"])
def test_a_label_that_cannot_be_one_is_refused(label: str) -> None:
    with pytest.raises(DeskError, match="label"):
        labelling_configuration([label])
    with pytest.raises(DeskError, match="label"):
        labelling_configuration(["Chemical"], [label])


def test_one_configuration_is_part_of_another() -> None:
    def parsed(labels: list[str], relations: list[str]) -> Configuration:
        return Configuration.parse(labelling_configuration(labels, relations))

    whole = parsed(["A", "B"], ["r"])
    bare = parsed(["A", "B"], [])
    before = Configuration.parse(re.sub("<Relations>.*</Relations>", "", bare.xml, flags=re.DOTALL))
    assert (before.relations, before.joined) == ((), False)
    assert before.is_part_of(bare)
    assert not bare.is_part_of(before)
    for smaller in (parsed(["B"], ["r"]), parsed(["A", "B"], []), before):
        assert smaller.is_part_of(whole)
        assert not whole.is_part_of(smaller)
    assert whole.is_part_of(parsed(["B", "A"], ["r"]))


@pytest.mark.parametrize(
    "xml",
    [
        "<View><Labels",
        "<View></View>",
        '<View><Labels name="l" toName="t"><Label value="A"/></Labels><Text name="t" value="$body"/></View>',
        '<View><Choices name="l" toName="t"><Choice value="A"/></Choices><Text name="t" value="$text"/></View>',
        '<!DOCTYPE v [<!ENTITY e "x">]><View>&e;</View>',
    ],
)
def test_a_configuration_without_entity_labels_is_a_plain_error(xml: str) -> None:
    with pytest.raises(DeskError, match="labelling configuration"):
        Configuration.parse(xml)


def test_a_configuration_that_people_rearranged_is_still_understood() -> None:
    xml = """<View><View style="x"><Text name="words" value="$text"/></View>
    <Choices name="q" toName="words"><Choice value="yes"/></Choices>
    <Labels name="tags" toName="words"><Label value="B"/><Label value="A" alias="a"/></Labels></View>"""
    configuration = Configuration.parse(xml)
    assert (configuration.control, configuration.text, configuration.labels) == ("tags", "words", ("B", "A"))


def test_the_checksum_sees_changes_and_not_the_white_space() -> None:
    xml = labelling_configuration(["A", "B"])
    one = Configuration.parse(xml)
    assert Configuration.parse(xml.replace("\n", "\r\n") + "\n").checksum == one.checksum
    other = Configuration.parse(xml.replace(PALETTE[0], "#000000"))
    assert other.checksum != one.checksum
    assert other.labels_checksum == one.labels_checksum
    assert Configuration.parse(labelling_configuration(["B", "A"])).labels_checksum == one.labels_checksum


@pytest.mark.parametrize(
    ("wanted", "there", "told"),
    [
        (["A", "B"], ["B", "A"], []),
        (["A", "B"], ["A", "C"], ["'B' is called 'C'"]),
        (["A", "B"], ["A"], ["'B' is no longer"]),
        (["A"], ["A", "B"], ["'B' is in Label Studio"]),
        (["A", "B", "C"], ["A", "D"], ["'B' is no longer", "'C' is no longer", "'D' is in Label Studio"]),
    ],
)
def test_changes_are_told_one_by_one(wanted: list[str], there: list[str], told: list[str]) -> None:
    sentences = changes(wanted, there)
    assert len(sentences) == len(told)
    for sentence, part in zip(sentences, told, strict=True):
        assert part in sentence


def test_changes_of_relations_are_told_as_such() -> None:
    xml = labelling_configuration(["A"], ["binds"]).replace('"binds"', '"bind"')
    (sentence,) = all_changes(["A"], ["binds", "binds"], Configuration.parse(xml))
    assert "the relation label 'binds' is called 'bind'" in sentence
    without = re.sub("<Relations>.*</Relations>", "", xml, flags=re.DOTALL)
    # the label that joins pieces need not be there: their ids then do it
    assert all_changes(["A"], [], Configuration.parse(without)) == ()


def test_a_project_is_known_by_its_mark() -> None:
    mark = Mark("test", "p-1", "0123456789ab", "ba9876543210")
    assert Mark.find(mark.description()) == mark
    assert Mark.find("Somebody wrote before it. " + mark.description() + " And after it.") == mark
    assert Mark.find("no mark") is None
    assert Mark.find(None) is None


@pytest.mark.parametrize("marker", ["", "with blanks", "[brackets]", "a]b", "ünïcode", "plain-1.2_3"])
def test_any_marker_is_one_word(marker: str) -> None:
    mark = Mark("pool", word(marker), "0123456789ab", "ba9876543210")
    assert Mark.find(mark.description()) == mark
    assert word(marker) != word(marker + "x")


@pytest.mark.parametrize("title", ["a", "ab", "bc5cdr", "x" * 40, "y" * 60])
def test_titles_have_a_length_that_label_studio_takes(title: str) -> None:
    pool, test = project_title(title, "pool"), project_title(title, "test")
    assert pool != test
    assert all(3 <= len(made) <= 50 for made in (pool, test))
    assert pool.startswith(title[:30])
    assert test.endswith("(blind test)")
