"""The labelling configuration: what annotators see, and what people have made of it since."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import jinja2
from defusedxml.ElementTree import ParseError, fromstring

from biorat_al.desk.base import Role
from biorat_al.errors import DeskError
from biorat_al.resources import resource
from biorat_al.settings import SAME_MENTION

CONTROL = "label"
TEXT = "text"

PALETTE = (
    # Okabe and Ito (2008), Color Universal Design, without black; then Tol (2021), "muted"
    "#E69F00", "#56B4E9", "#009E73", "#F0E442", "#0072B2", "#D55E00", "#CC79A7",
    "#332288", "#44AA99", "#117733", "#999933", "#DDCC77", "#CC6677", "#882255", "#AA4499",
)  # fmt: skip
"""Colours that people with a colour vision deficiency can tell apart, in order of use."""

HOTKEYS = "1234567890qwetasdfgzxcvbyiopjklnm"
"""The keys that Label Studio itself gives to labels; labels beyond them have none."""


def labelling_configuration(labels: Sequence[str], relations: Sequence[str] = ()) -> str:
    """Return the labelling configuration for these entity labels.

    :param relations: labels that annotators may give to a relation they draw. The one that joins the pieces of a
        discontinuous mention is always there besides.
    :raises DeskError: a label cannot be one in Label Studio.
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
    shown = [
        {"name": label, "colour": PALETTE[number % len(PALETTE)], "hotkey": HOTKEYS[number : number + 1]}
        for number, label in enumerate(labels)
    ]
    return template.render(
        control=CONTROL, text=TEXT, labels=shown, relations=[*relations, SAME_MENTION], room=bool(relations)
    ).strip()


@dataclass(frozen=True)
class Configuration:
    """A project's labelling configuration as the server has it, whoever wrote it.

    :param control: name of the control that carries the entity labels.
    :param text: name of the text that it labels.
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
    def parse(cls, xml: str) -> Configuration:
        """Read a labelling configuration.

        :raises DeskError: there is nothing in it with which entities could be labelled in a task's text.
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
        """Tells whether anybody has changed anything in it."""
        return _checksum(" ".join(self.xml.split()))

    @cached_property
    def labels_checksum(self) -> str:
        """Tells whether anybody has changed the labels."""
        return labels_checksum(self.labels)

    def is_part_of(self, other: Configuration) -> bool:
        """Whether the other has all that annotators can choose here."""
        return (
            set(self.labels) <= set(other.labels)
            and set(self.relations) <= set(other.relations)
            and self.joined <= other.joined
        )

    def validate(self, prediction: dict[str, object]) -> list[str]:
        """Return what Label Studio's own check finds wrong with a prediction, one sentence each."""
        return [str(error) for error in self._interface.validate_prediction(prediction, return_errors=True)]

    @cached_property
    def _interface(self):  # type: ignore[no-untyped-def]
        from label_studio_sdk.label_interface import LabelInterface

        return LabelInterface(self.xml)


def changes(wanted: Sequence[str], there: Sequence[str], kind: str = "label") -> tuple[str, ...]:
    """Say in one sentence each how the labels that are there differ from those that are wanted.

    :param kind: what they are called.
    """
    missing = [label for label in wanted if label not in there]
    added = [label for label in there if label not in wanted]
    if len(missing) == len(added) == 1:
        return (
            f"the {kind} {missing[0]!r} is called {added[0]!r} in Label Studio now: rename it back there, "
            "or change the settings",
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


def all_changes(labels: Sequence[str], relations: Sequence[str], there: Configuration) -> tuple[str, ...]:
    """The same for entity labels and relation labels.

    Where the label that joins pieces of a mention is missing, nothing is lost by it: see
    :mod:`biorat_al.corpus.labelstudio_regions`.
    """
    wanted = list(dict.fromkeys(relations))
    return changes(labels, there.labels) + changes(wanted, there.relations, "relation label")


@dataclass(frozen=True, slots=True)
class Mark:
    """What a project's description says about its origin, in square brackets at its end.

    :param marker: the caller's own, tells apart projects of the same title.
    :param configuration: checksum of the labelling configuration that was written last.
    :param labels: checksum of its labels.
    """

    role: Role
    marker: str
    configuration: str
    labels: str

    def description(self) -> str:
        """The project's description."""
        purpose = {
            "pool": "Documents with a model's pre-labels: accept them, correct them, add what is missing.",
            "test": "The held-out test set: annotated without pre-labels, so that no model shapes its own measure.",
        }[self.role]
        return f"{purpose} [biorat-al {self.role} {word(self.marker)} {self.configuration} {self.labels}]"

    @classmethod
    def find(cls, description: str | None) -> Mark | None:
        """Return the mark in a description, or None if there is none."""
        found = re.search(r"\[biorat-al (pool|test) (\S+) ([0-9a-f]+) ([0-9a-f]+)\]", description or "")
        if found is None:
            return None
        role: Role = "pool" if found[1] == "pool" else "test"
        return cls(role, found[2], found[3], found[4])


def word(marker: str) -> str:
    """The marker as one word, as it stands in a description."""
    return marker if re.fullmatch(r"[\w.-]+", marker) else f"-{_checksum(marker)}"


def project_title(title: str, role: Role) -> str:
    """The title of the project for `role`: Label Studio takes 3 to 50 characters."""
    suffix = " (blind test)" if role == "test" else (" (pool)" if len(title) < 3 else "")
    return title[: 50 - len(suffix)] + suffix


def labels_checksum(labels: Sequence[str]) -> str:
    """A checksum of labels that does not depend on their order."""
    return _checksum("\n".join(sorted(labels)))


def _checksum(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _value(element: object) -> str:
    return str(element.get("value") or "")  # type: ignore[attr-defined]
