"""The labelling configuration that is written, and what is made of one that people changed."""

from __future__ import annotations

import re

import pytest
from defusedxml.ElementTree import fromstring
from hypothesis import given
from hypothesis import strategies as st

from biorat_al.corpus.model.role import ROLES, Role
from biorat_al.desk.labelstudio.configuration import (
    BLIND,
    COLOURS,
    HOTKEYS,
    PALETTE,
    LabellingConfiguration,
    ProjectMark,
    all_changes,
    changes,
    colour_of,
    description,
    labelling_configuration,
    project_title,
    without_mark,
    word,
)
from biorat_al.errors import DeskError
from biorat_al.settings import SAME_MENTION, Guidelines

_LABELS = st.lists(
    st.text(
        st.characters(exclude_categories=["Cc", "Cs", "Cn", "Co"], exclude_characters="\ufffe\uffff"), min_size=1
    ).filter(lambda label: not label.startswith("$")),
    min_size=1,
    max_size=5,
    unique=True,
)


@pytest.mark.slow
@given(_LABELS, _LABELS)
def test_labels_come_back_whatever_is_in_them(labels: list[str], relations: list[str]) -> None:
    configuration = LabellingConfiguration.parse(labelling_configuration(labels, relations))
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
    # only arrows need much room between the lines
    assert "line-height: 3 " not in xml
    assert "line-height: 3 " in labelling_configuration(["Chemical"], ["treats"])


def test_labels_are_shown_in_the_text_where_colours_alone_do_not_tell_them_apart() -> None:
    def shown(count: int) -> bool:
        return 'showLabels="true"' in labelling_configuration([f"L{number}" for number in range(count)])

    assert [shown(count) for count in (1, 5, 6, 20)] == [False, False, True, True]


@pytest.mark.parametrize("role", ROLES)
def test_only_a_segment_shows_what_is_around_it_and_whose_it_is(role: Role) -> None:
    xml = labelling_configuration(["Chemical"], role=role)
    for shown in ("$before", "$after", "$of_document", "biorat-around"):
        assert (shown in xml) == (role == "segment"), shown
    assert ("$document_id" in xml) == (role != "segment")
    # one text that can be marked
    assert LabellingConfiguration.parse(xml).text == "text"
    assert xml.count("<Text ") == 1


def test_a_mark_names_each_role() -> None:
    for role in ROLES:
        mark = ProjectMark(role, "p-1", "0123456789ab", "ba9876543210")
        assert ProjectMark.of({"label_config": mark.write(labelling_configuration(["A"], role=role))}) == mark


def test_only_a_test_document_says_that_it_is_one() -> None:
    assert BLIND in labelling_configuration(["Chemical"], role="test")
    assert BLIND not in labelling_configuration(["Chemical"])
    assert COLOURS["test"] in labelling_configuration(["Chemical"], role="test")


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
    def parsed(labels: list[str], relations: list[str]) -> LabellingConfiguration:
        return LabellingConfiguration.parse(labelling_configuration(labels, relations))

    whole = parsed(["A", "B"], ["r"])
    bare = parsed(["A", "B"], [])
    before = LabellingConfiguration.parse(re.sub("<Relations>.*</Relations>", "", bare.xml, flags=re.DOTALL))
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
        LabellingConfiguration.parse(xml)


def test_a_configuration_that_people_rearranged_is_still_understood() -> None:
    xml = """<View><View style="x"><Text name="words" value="$text"/></View>
    <Choices name="q" toName="words"><Choice value="yes"/></Choices>
    <Labels name="tags" toName="words"><Label value="B"/><Label value="A" alias="a"/></Labels></View>"""
    configuration = LabellingConfiguration.parse(xml)
    assert (configuration.control, configuration.text, configuration.labels) == ("tags", "words", ("B", "A"))


def test_the_checksum_sees_changes_and_not_the_white_space() -> None:
    xml = labelling_configuration(["A", "B"])
    one = LabellingConfiguration.parse(xml)
    assert LabellingConfiguration.parse(xml.replace("\n", "\r\n") + "\n").checksum == one.checksum
    other = LabellingConfiguration.parse(xml.replace(PALETTE[0], "#000000"))
    assert other.checksum != one.checksum
    assert other.labels_checksum == one.labels_checksum
    assert LabellingConfiguration.parse(labelling_configuration(["B", "A"])).labels_checksum == one.labels_checksum


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
    (sentence,) = all_changes(["A"], ["binds", "binds"], LabellingConfiguration.parse(xml))
    assert "the relation label 'binds' is called 'bind'" in sentence
    without = re.sub("<Relations>.*</Relations>", "", xml, flags=re.DOTALL)
    # the label that joins pieces need not be there: their ids then do it
    assert all_changes(["A"], [], LabellingConfiguration.parse(without)) == ()


MARK = ProjectMark("test", "p-1", "0123456789ab", "ba9876543210")


def test_a_project_is_known_by_its_mark() -> None:
    xml = labelling_configuration(["A"])
    marked = MARK.write(xml)
    assert ProjectMark.of({"label_config": marked}) == MARK
    assert ProjectMark.of({"label_config": marked.replace("\n", "\r\n"), "description": None}) == MARK
    assert ProjectMark.of({"label_config": xml, "description": "no mark"}) is None
    assert ProjectMark.of({}) is None


def test_the_mark_is_no_change_of_the_configuration() -> None:
    xml = labelling_configuration(["A"])
    marked = MARK.write(xml)
    assert LabellingConfiguration.parse(marked).checksum == LabellingConfiguration.parse(xml).checksum
    assert LabellingConfiguration.parse(marked).validate({"result": [], "score": 0.5}) == []
    again = ProjectMark("test", "p-1", "000000000000", "111111111111").write(marked)
    assert again.count("biorat-al") == 1
    assert LabellingConfiguration.parse(again).checksum == LabellingConfiguration.parse(xml).checksum


def test_a_mark_that_an_earlier_version_wrote_into_the_description_counts() -> None:
    written = "Somebody wrote before it. [biorat-al test p-1 0123456789ab ba9876543210] And after it."
    assert ProjectMark.of({"label_config": labelling_configuration(["A"]), "description": written}) == MARK
    assert without_mark(written) == "Somebody wrote before it. And after it."
    newer = ProjectMark("test", "p-1", "000000000000", "111111111111")
    assert (
        ProjectMark.of({"label_config": newer.write(labelling_configuration(["A"])), "description": written}) == newer
    )


@pytest.mark.parametrize("role", ROLES)
def test_descriptions_are_for_people(role: Role) -> None:
    assert "[" not in description(role)
    assert ProjectMark.find(description(role)) is None


@pytest.mark.parametrize(
    "marker", ["", "with blanks", "[brackets]", "a]b", "ünïcode", "plain-1.2_3", "a--b", "a-", ">"]
)
def test_any_marker_is_one_word_of_a_comment(marker: str) -> None:
    mark = ProjectMark("pool", word(marker), "0123456789ab", "ba9876543210")
    marked = mark.write(labelling_configuration(["A"]))
    assert ProjectMark.of({"label_config": marked}) == mark
    assert LabellingConfiguration.parse(marked).labels == ("A",)
    assert word(marker) != word(marker + "x")


@pytest.mark.parametrize("title", ["a", "ab", "bc5cdr", "x" * 40, "y" * 60])
def test_titles_have_a_length_that_label_studio_takes(title: str) -> None:
    titles = {role: project_title(title, role) for role in ROLES}
    assert len(set(titles.values())) == len(ROLES)
    assert all(3 <= len(made) <= 50 for made in titles.values())
    assert all(made.startswith(title[:30]) for made in titles.values())
    assert titles["test"].endswith(" (blind test)")
    assert titles["segment"].endswith(" (sentences)")


@given(_LABELS, st.text())
def test_what_a_label_means_is_a_hint_on_it(labels: list[str], said: str) -> None:
    lines = Guidelines("\n".join(f"{label}: {said}" for label in labels), markdown=False)
    xml = labelling_configuration(labels, (), "pool", lines.meanings(labels))
    hints = {element.get("value"): element.get("hint") for element in fromstring(xml).iter("Label")}
    assert hints == {label: lines.meanings(labels).get(label) for label in labels}
    assert LabellingConfiguration.parse(xml).labels == tuple(labels)


def test_a_label_without_a_meaning_has_no_hint_and_the_configuration_is_as_before() -> None:
    assert labelling_configuration(["A"], (), "pool", {}) == labelling_configuration(["A"])
    assert "hint" not in labelling_configuration(["A"])


@pytest.mark.parametrize("title", ["ab", "bc5cdr", "y" * 60])
@pytest.mark.parametrize("name", ["ann@example.org", f"{'n' * 60}@example.org"])
def test_the_title_of_a_person_s_project_has_the_name(title: str, name: str) -> None:
    for role in ROLES:
        made = project_title(title, role, name)
        assert 3 <= len(made) <= 50
        project, _, person = made.partition(" · ")
        assert title.startswith(project)
        assert len(project) >= min(len(title), 10)
        assert person.startswith(name[:23])
    assert (
        project_title("trial", "pool", "annotator@localhost.localdomain") == "trial · annotator@localhost.localdomain"
    )


def test_the_projects_of_people_have_different_colours() -> None:
    assert len({colour_of("pool", number) for number in range(1, 15)}) == 14
    assert {colour_of("test", number) for number in (None, 1, 2)} == {COLOURS["test"]}
    assert colour_of("pool") == COLOURS["pool"]
