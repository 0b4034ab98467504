"""The labelling configuration that annotators see, and how people have changed it since it was written."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import jinja2
from defusedxml.ElementTree import ParseError, fromstring

from biorat_al.corpus.model.role import DESK_ROLES, SETTLING_ROLES, DeskRole
from biorat_al.errors import DeskError
from biorat_al.resources import resource
from biorat_al.settings import SAME_MENTION

CONTROL = "label"
TEXT = "text"
SIDE = "side"
"""The control with which an adjudicator accepts the answer of one annotator."""

SIDES = "ABCDEFGH"
"""Letters of annotators whose answers are compared, which are also the keys to accept them."""

_ROLES = "|".join(DESK_ROLES)

_WORDS = rf"biorat-al ({_ROLES}) (\S+) ([0-9a-f]+) ([0-9a-f]+)"
_MARK = re.compile(rf"\s*<!--\s*{_WORDS}\s*-->")
_OLD_MARK = re.compile(rf"\s*\[{_WORDS}\]")

PALETTE = (
    # Okabe and Ito (2008), Color Universal Design, without black; then Tol (2021), "muted"
    "#E69F00", "#56B4E9", "#009E73", "#F0E442", "#0072B2", "#D55E00", "#CC79A7",
    "#332288", "#44AA99", "#117733", "#999933", "#DDCC77", "#CC6677", "#882255", "#AA4499",
)  # fmt: skip
"""Label colours, in order of use; people with a colour vision deficiency can tell them apart."""

HOTKEYS = "1234567890qwetasdfgzxcvbyiopjklnm"
"""The keys that Label Studio itself assigns to labels; labels beyond them have no key."""


COLOURS: Mapping[DeskRole, str] = {
    "pool": "#0072B2", "segment": "#009E73", "test": "#D55E00", "disputes": "#CC79A7", "review": "#E69F00",
}  # fmt: skip
"""Colours of the projects in Label Studio's list, and of the banner above a test document."""

BLIND = "Test document: no suggestions are shown; annotate alone"


def labelling_configuration(
    labels: Sequence[str],
    relations: Sequence[str] = (),
    role: DeskRole = "pool",
    meanings: Mapping[str, str] | None = None,
) -> str:
    """Return the labelling configuration for these entity labels.

    :param relations: labels that annotators may give to a relation they draw. The label that joins the pieces of a
        discontinuous mention is always added.
    :param meanings: what entity labels mean, shown when the mouse is over the label.
    :raises DeskError: Label Studio cannot have one of the labels.
    """
    for label in (*labels, *relations):
        if label.startswith("$"):
            raise DeskError(f"the label {label!r} begins with a dollar sign, which Label Studio takes for a data field")
        if any(ord(character) < 32 for character in label):
            raise DeskError(f"the label {label!r} has a line end, a tab or another control character in it")
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    template = environment.from_string(resource("templates/labelling.xml.j2").read_text(encoding="utf-8"))
    sides = SIDES if role == "disputes" else ""
    hotkeys = "".join(key for key in HOTKEYS if key not in sides.lower())
    shown = [
        {
            "name": label,
            "colour": PALETTE[number % len(PALETTE)],
            "hotkey": hotkeys[number : number + 1],
            "meaning": (meanings or {}).get(label, ""),
        }
        for number, label in enumerate(labels)
    ]
    return template.render(
        control=CONTROL,
        text=TEXT,
        labels=shown,
        relations=[*relations, SAME_MENTION],
        room=bool(relations),
        blind=role == "test",
        part=role == "segment" or role in SETTLING_ROLES,
        settling=role in SETTLING_ROLES,
        side=SIDE,
        sides=sides,
        colour=COLOURS[role],
        warning=BLIND,
    ).strip()


@dataclass(frozen=True)
class LabellingConfiguration:
    """A project's labelling configuration as it is on the server, whether this program or a person wrote it.

    :param control: name of the control that carries the entity labels.
    :param text: name of the text element that it labels.
    :param relations: labels for relations between mentions.
    :param joined: whether annotators can join the pieces of a discontinuous mention.
    """

    xml: str
    control: str
    text: str
    labels: tuple[str, ...]
    relations: tuple[str, ...] = ()
    joined: bool = False

    @classmethod
    def parse(cls, xml: str) -> LabellingConfiguration:
        """Read a labelling configuration.

        :raises DeskError: it is not XML, or has no control for labelling entities in a task's text.
        """
        try:
            root = fromstring(xml)
        except (ParseError, ValueError) as error:
            raise DeskError(f"the project's labelling configuration cannot be read: {error}") from None
        texts = {
            element.get("name")
            for element in root.iter()
            if element.tag in ("Text", "HyperText") and (element.get("value") or "").strip() == "$text"
        }
        relations = [_value(relation) for relation in root.iter("Relation")]
        for control in root.iter("Labels"):
            if control.get("toName") in texts:
                return cls(
                    xml=xml,
                    control=control.get("name") or "",
                    text=control.get("toName") or "",
                    labels=tuple(_value(label) for label in control.iter("Label")),
                    relations=tuple(relation for relation in relations if relation != SAME_MENTION),
                    joined=SAME_MENTION in relations,
                )
        raise DeskError(
            'the project\'s labelling configuration has no Labels for a Text with value="$text": '
            "somebody changed it in Label Studio; put them back there"
        )

    @cached_property
    def checksum(self) -> str:
        """Checksum that changes with anything in the configuration, except the mark."""
        return _checksum(" ".join(_MARK.sub("", self.xml).split()))

    @cached_property
    def labels_checksum(self) -> str:
        """Checksum that changes with the labels."""
        return labels_checksum(self.labels)

    def is_part_of(self, other: LabellingConfiguration) -> bool:
        """Return whether annotators can choose in `other` everything that they can choose here."""
        return (
            set(self.labels) <= set(other.labels)
            and set(self.relations) <= set(other.relations)
            and self.joined <= other.joined
        )

    def validate(self, prediction: dict[str, object]) -> list[str]:
        """Return the errors that Label Studio's own check finds in a prediction, one sentence each."""
        return [str(error) for error in self._interface.validate_prediction(prediction, return_errors=True)]

    @cached_property
    def _interface(self):  # type: ignore[no-untyped-def]
        from label_studio_sdk.label_interface import LabelInterface

        return LabelInterface(self.xml)


def changes(wanted: Sequence[str], there: Sequence[str], kind: str = "label") -> tuple[str, ...]:
    """Return one sentence for each difference between the wanted labels and those in Label Studio.

    :param kind: what the sentences call a label.
    """
    missing = [label for label in wanted if label not in there]
    added = [label for label in there if label not in wanted]
    if len(missing) == len(added) == 1:
        return (
            f"the {kind} {missing[0]!r} is called {added[0]!r} in Label Studio: it was renamed there or in the "
            "settings, and needs the same name in both",
        )
    sentences = [
        f"the {kind} {label!r} is no longer in Label Studio's labelling configuration: put it back there, "
        "or change the settings"
        for label in missing
    ]
    sentences += [
        f"the {kind} {label!r} is in Label Studio's labelling configuration, but the project does not know it"
        for label in added
    ]
    return tuple(sentences)


def all_changes(labels: Sequence[str], relations: Sequence[str], there: LabellingConfiguration) -> tuple[str, ...]:
    """Return :func:`changes` for entity labels and relation labels.

    A missing label for joining the pieces of a mention is not reported, since nothing is lost without it: see
    :mod:`biorat_al.corpus.formats.label_studio.regions`.
    """
    wanted = list(dict.fromkeys(relations))
    return changes(labels, there.labels) + changes(wanted, there.relations, "relation label")


@dataclass(frozen=True, slots=True)
class ProjectMark:
    """A project's note about its origin, in a comment of its labelling configuration.

    Annotators do not see it there, and Label Studio's configuration editors keep it. Earlier versions of the program
    wrote it in square brackets into the project's description.

    :param marker: the caller's marker, which distinguishes projects with the same title.
    :param configuration: checksum of the labelling configuration that was written last.
    :param labels: checksum of its labels.
    """

    role: DeskRole
    marker: str
    configuration: str
    labels: str

    def write(self, xml: str) -> str:
        """Return the labelling configuration `xml` with this mark in place of any other."""
        marked = f"<!-- biorat-al {self.role} {word(self.marker)} {self.configuration} {self.labels} -->"
        opening = re.search(r"<View\b[^>]*>", xml := _MARK.sub("", xml))
        place = opening.end() if opening else 0
        return f"{xml[:place]}\n  {marked}{xml[place:]}"

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> ProjectMark | None:
        """Return a project's mark from its settings (configuration or description), or None if it has no mark."""
        return cls._read(_MARK.search(settings.get("label_config") or "")) or cls.find(settings.get("description"))

    @classmethod
    def find(cls, description: str | None) -> ProjectMark | None:
        """Return the mark that an earlier version wrote into a description, or None if it has no mark."""
        return cls._read(_OLD_MARK.search(description or ""))

    @classmethod
    def _read(cls, match: re.Match[str] | None) -> ProjectMark | None:
        if match is None:
            return None
        role = next(role for role in DESK_ROLES if role == match[1])
        return cls(role, match[2], match[3], match[4])


def description(role: DeskRole) -> str:
    """Return the description of the project for `role`, which Label Studio shows in its list."""
    return {
        "segment": "Sentences to annotate. Suggestions may be marked: keep them, correct them, add what is missing.",
        "pool": "Documents to annotate. Suggestions may be marked: keep them, correct them, add what is missing.",
        "disputes": "Documents on which annotators disagree. What is submitted here is the truth from then on.",
        "review": "Documents in which something looks wrong. What is submitted here is the truth from then on.",
        "test": "Test documents: annotated alone, without any suggestion, so that the model can be measured on them.",
    }[role]


def without_mark(description: str) -> str:
    """Return a description without the mark that an earlier version wrote into it."""
    return _OLD_MARK.sub("", description).strip()


def word(marker: str) -> str:
    """Return the marker as one word that an XML comment may contain."""
    plain = re.fullmatch(r"[\w.-]+", marker) and "--" not in marker and not marker.endswith("-")
    return marker if plain else f"-{_checksum(marker)}"


SHORTEST_NAME = 24
"""Characters of a title that a person's name has in any case; the name of the project is cut off before."""

_SUFFIXES: Mapping[DeskRole, str] = {
    "segment": " (sentences)", "test": " (blind test)", "disputes": " (disputes)", "review": " (review)",
}  # fmt: skip


def project_title(title: str, role: DeskRole, person: str = "") -> str:
    """Return the title of the project for `role`: Label Studio takes 3 to 50 characters.

    :param person: whose project it is; empty for one that is nobody's in particular.
    """
    suffix = _SUFFIXES.get(role, " (pool)" if len(title) < 3 else "")
    if person:
        room = max(SHORTEST_NAME, 50 - len(title) - len(f" · {suffix}"))
        named = person if len(person) <= room else f"{person[: room - 1]}…"
        suffix = f" · {named}{suffix}"
    return title[: 50 - len(suffix)] + suffix


def colour_of(role: DeskRole, person: int | None = None) -> str:
    """Return the colour of the project for `role` in Label Studio's list.

    All blind projects have the same colour; otherwise the project of a person has that person's.

    :param person: number of the person whose project it is.
    """
    if person is None or role == "test":
        return COLOURS[role]
    others = [colour for colour in PALETTE if colour != COLOURS["test"]]
    return others[(person - 1) % len(others)]


def labels_checksum(labels: Sequence[str]) -> str:
    """Return a checksum of the labels that does not depend on their order."""
    return _checksum("\n".join(sorted(labels)))


def _checksum(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _value(element: object) -> str:
    return str(element.get("value") or "")  # type: ignore[attr-defined]
