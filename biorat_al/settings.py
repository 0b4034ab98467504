"""A project's settings: one TOML file, checked when it is read, with no secret in it.

Secrets and addresses come from the environment: ``LABEL_STUDIO_URL``, ``LABEL_STUDIO_API_KEY`` and
``BIORAT_DATABASE_URL``.
"""

from __future__ import annotations

import tomllib
import unicodedata
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import parse_qsl, urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    field_validator,
    model_validator,
)

from biorat_al.errors import SettingsError
from biorat_al.resources import resource

SETTINGS_FILE = "biorat.toml"

Arm = Literal["none", "matched", "rat", "at"]
"""How a model is trained.

``none`` plainly, ``rat`` adversarially with probability p, ``at`` adversarially at every step (p = 1), and ``matched``
plainly for as many passes as ``rat`` makes: the baseline that had the same compute, not only the same epochs.
"""

DeskKind = Literal["label-studio", "oracle"]


def _without_control_characters(value: str) -> str:
    if any(unicodedata.category(character) == "Cc" for character in value):
        raise ValueError("it holds a control character (a tab, a line end or the like)")
    return value


Name = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=200),
    AfterValidator(_without_control_characters),
]

Place = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=4096),
    AfterValidator(_without_control_characters),
]
"""A name that may also be a path or an address."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class EntityType(_Part):
    """An entity label of the project and the labels of the source documents that count as it.

    :param sources: labels in the documents; empty means: only the one of the same name.
    """

    name: Name
    sources: tuple[Name, ...] = ()

    def covers(self, label: str) -> bool:
        """Whether the source label `label` counts as this entity type."""
        return label in (self.sources or (self.name,))


SAME_MENTION = "same mention"
"""The relation label that joins the pieces of one mention where people annotate; no relation of a project has it."""


class RelationType(_Part):
    """A relation label of the project: which entity types it joins, and which labels of the documents count as it.

    A label that joins several pairs of types stands there once for each.

    :param head: entity type where it begins.
    :param tail: entity type where it ends.
    :param symmetric: head and tail may be exchanged; annotators need not mind the direction.
    :param sources: labels in the documents; empty means: only the one of the same name.
    """

    name: Name
    head: Name
    tail: Name
    symmetric: bool = False
    sources: tuple[Name, ...] = ()

    def covers(self, label: str) -> bool:
        """Whether the source label `label` counts as this relation type."""
        return label in (self.sources or (self.name,))

    def joins(self, head: str, tail: str) -> bool:
        """Whether it can lead from an entity of type `head` to one of type `tail`."""
        return (head, tail) == (self.head, self.tail) or (self.symmetric and (tail, head) == (self.head, self.tail))


class EncoderSettings(_Part):
    """The encoder that every round starts from.

    :param name: ``pubmedbert``, ``minilm``, a folder, or a name on the model hub.
    :param max_length: longest window in word pieces, special tokens included; None takes the encoder's own limit,
        capped at 512. Windows are sentences; a longer sentence is read in overlapping windows.
    """

    name: Place = "pubmedbert"
    max_length: Annotated[int, Field(ge=16)] | None = None


class TrainingSettings(_Part):
    """How a model is trained on all corrections so far.

    :param arms: the models that each round trains.
    :param selecting_arm: the one that pre-annotates and chooses the next batch.
    :param learning_rate: peak learning rate; None takes 2e-4 for encoders of up to 50 million parameters, 3e-5 for
        larger ones.
    :param epochs: passes over the training documents at most.
    :param min_steps: with few labels, at least so many optimizer steps are made however many epochs that takes.
    :param batch_size: sentences per optimizer step.
    :param weight_decay: of AdamW.
    :param warmup: share of the steps in which the learning rate rises; it falls to 0 over the others.
    :param dev_share: share of the annotated documents kept back for early stopping and calibration, once there are 20.
    :param patience: evaluations in a row with a development score clearly below the best after which training stops.
    """

    arms: Annotated[tuple[Arm, ...], Field(min_length=1)] = ("rat", "none")
    selecting_arm: Arm = "rat"
    learning_rate: Annotated[float, Field(gt=0, lt=1)] | None = None
    epochs: Annotated[int, Field(ge=1)] = 3
    min_steps: Annotated[int, Field(ge=1)] = 120
    batch_size: Annotated[int, Field(ge=1)] = 4
    weight_decay: Annotated[float, Field(ge=0)] = 0.01
    warmup: Annotated[float, Field(ge=0, lt=1)] = 0.1
    dev_share: Annotated[float, Field(ge=0, le=0.5)] = 0.1
    patience: Annotated[int, Field(ge=1)] = 3

    @model_validator(mode="after")
    def _selecting_arm_is_trained(self) -> TrainingSettings:
        if self.selecting_arm not in self.arms:
            raise ValueError(f"selecting_arm {self.selecting_arm!r} is not among the arms {list(self.arms)}")
        if len(set(self.arms)) != len(self.arms):
            raise ValueError("arms has a name twice")
        return self


class AdversarialSettings(_Part):
    """The perturbation of the word vectors in the arms ``rat`` and ``at``.

    :param probability: p of the Bernoulli draw that decides what is adversarial (arm ``rat``).
    :param draw: what is drawn for: a whole ``batch``, or each ``example`` (window) of it by itself; the adversarial
        pass then sees the drawn ones alone.
    :param schedule: p over the training: ``constant``, or in a line ``rising`` from, or ``falling`` to,
        max(0, 2p - 1); its mean is p.
    :param attack: ``single-step`` along the gradient of the clean pass (FGM with the norm ``l2``, FGSM with ``linf``),
        ``pgd``, ``freelb``, or ``vat`` (virtual adversarial: away from the clean output, needs no labels).
    :param norm: in which the perturbation's size is measured.
    :param scope: what has one norm: each ``token``, each ``sequence`` (window), or the ``batch``.
    :param epsilon: that norm, in units of the encoder's mean word embedding norm (of the same kind: l2, linf or l1).
    :param steps: K of ``pgd`` and ``freelb``, power iterations of ``vat``; None takes 3, and 1 for ``vat``.
    :param step_size: of ``pgd`` and ``freelb``, in units of epsilon; None takes 2.5 / K.
    :param unlabelled: windows of the unlabelled pool that take part in each adversarial step of ``vat``.
    """

    probability: Annotated[float, Field(ge=0, le=1)] = 0.25
    draw: Literal["batch", "example"] = "batch"
    schedule: Literal["constant", "rising", "falling"] = "constant"
    attack: Literal["single-step", "pgd", "freelb", "vat"] = "single-step"
    norm: Literal["l2", "linf", "l1"] = "l2"
    scope: Literal["token", "sequence", "batch"] = "sequence"
    epsilon: Annotated[float, Field(ge=0)] = 0.3
    steps: Annotated[int, Field(ge=1)] | None = None
    step_size: Annotated[float, Field(gt=0)] | None = None
    unlabelled: Annotated[int, Field(ge=0)] = 0

    @model_validator(mode="after")
    def _fits_the_attack(self) -> AdversarialSettings:
        if self.unlabelled and self.attack != "vat":
            raise ValueError(f"unlabelled is for the attack 'vat' alone; {self.attack!r} needs labels")
        if self.steps is not None and self.attack == "single-step":
            raise ValueError("steps is not for the attack 'single-step', which makes one")
        if self.step_size is not None and self.attack not in ("pgd", "freelb"):
            raise ValueError(f"step_size is for the attacks 'pgd' and 'freelb', not for {self.attack!r}")
        return self


class RelationSettings(_Part):
    """How relations are learnt and predicted, where the project has any.

    :param level: what a candidate joins: two mentions (``mention``), or two concepts of the document (``document``),
        read at the two of their mentions that stand closest. A mention without a concept goes with all those of its
        type that are spelled alike.
    :param window: sentences within which the two must stand: 1 is the same sentence, 2 neighbouring ones, and so on;
        ``document`` is no limit.
    :param max_length: word pieces read for a candidate, markers and special tokens included. Where more lie between the
        two, the surroundings of each are read.
    :param negatives: candidates without a relation that are trained on for each one with a relation, at most; which is
        drawn anew in each epoch.
    :param class_weights: weigh relation types by the inverse square root of their number.
    :param learning_rate: peak learning rate; None takes 5e-5 for encoders of up to 50 million parameters, 2e-5 for
        larger ones.
    :param epochs: passes over the training candidates at most.
    :param batch_size: candidates per optimizer step.
    """

    level: Literal["mention", "document"] = "mention"
    window: Annotated[int, Field(ge=1)] | Literal["document"] = 1
    max_length: Annotated[int, Field(ge=32, le=512)] = 128
    negatives: Annotated[float, Field(gt=0)] = 4.0
    class_weights: bool = True
    learning_rate: Annotated[float, Field(gt=0, lt=1)] | None = None
    epochs: Annotated[int, Field(ge=1)] = 3
    batch_size: Annotated[int, Field(ge=1)] = 8


class SelectionSettings(_Part):
    """Which documents the next batch asks for.

    :param size: documents per round, unless `tokens` is given.
    :param tokens: budget per round in word pieces instead of documents.
    :param strategy: query strategy once there is a model.
    :param seed_strategy: how the first batch is chosen, before there is one.
    :param diverse: keep near-duplicates out of a batch.
    :param subsample: from a larger pool, so many documents (or three times the batch, if that is more) are drawn at
        random for the strategies that ask the model again, and for ``diverse``.
    :param mc_passes: passes with dropout, for the strategies that compare several.
    """

    size: Annotated[int, Field(ge=1)] = 20
    tokens: Annotated[int, Field(ge=1)] | None = None
    strategy: Name = "mnlp"
    seed_strategy: Name = "diverse"
    diverse: bool = True
    subsample: Annotated[int, Field(ge=1)] = 10_000
    mc_passes: Annotated[int, Field(ge=2)] = 10


class EvaluationSettings(_Part):
    """What is measured on the held-out test documents besides strict span F1.

    :param robustness: F1 on the same documents with typing errors, changed case, and entities swapped for others.
    """

    robustness: bool = True


class DeskSettings(_Part):
    """Where people annotate. The address and the token of Label Studio come from the environment."""

    kind: DeskKind = "label-studio"


class DatabaseSettings(_Part):
    """Where the rounds are kept.

    :param url: ``sqlite`` (a file in the project folder), ``environment`` (``BIORAT_DATABASE_URL``), or a database URL
        without a password.
    """

    url: Place = "sqlite"

    @field_validator("url")
    @classmethod
    def _no_secret(cls, value: str) -> str:
        # the message must not repeat the value
        try:
            parts = urlsplit(value)
            secret = parts.password is not None or any("password" in key.lower() for key, _ in parse_qsl(parts.query))
        except ValueError:
            raise ValueError("it cannot be read as an address") from None
        if secret:
            raise ValueError(
                'it holds a password, which does not belong in a file; write "environment" here and put the whole '
                "address in the environment variable BIORAT_DATABASE_URL"
            )
        return value


class Settings(_Part):
    """All settings of a project."""

    name: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,39}$")]
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 13
    entities: Annotated[tuple[EntityType, ...], Field(min_length=1)]
    relations: tuple[RelationType, ...] = ()
    encoder: EncoderSettings = EncoderSettings()
    training: TrainingSettings = TrainingSettings()
    adversarial: AdversarialSettings = AdversarialSettings()
    relation_extraction: RelationSettings = RelationSettings()
    selection: SelectionSettings = SelectionSettings()
    evaluation: EvaluationSettings = EvaluationSettings()
    desk: DeskSettings = DeskSettings()
    database: DatabaseSettings = DatabaseSettings()

    @property
    def labels(self) -> tuple[str, ...]:
        """The entity labels, in the order in which they were given."""
        return tuple(entity.name for entity in self.entities)

    @property
    def relation_labels(self) -> tuple[str, ...]:
        """The relation labels, in the order in which they were given, each once."""
        return tuple(dict.fromkeys(relation.name for relation in self.relations))

    @property
    def gold_is_known(self) -> bool:
        """Whether gold annotations of the pool count as labels. To the oracle they are answers yet to be given."""
        return self.desk.kind != "oracle"

    def label_of(self, source_label: str) -> str | None:
        """The project's label for a label of the source documents, or None if it was not asked for."""
        return next((entity.name for entity in self.entities if entity.covers(source_label)), None)

    def relation_label_of(self, source_label: str) -> str | None:
        """The project's relation label for one of the source documents, or None if it was not asked for."""
        return next((relation.name for relation in self.relations if relation.covers(source_label)), None)

    @model_validator(mode="after")
    def _relations_fit(self) -> Settings:
        seen: set[tuple[str, str, str]] = set()
        first: dict[str, RelationType] = {}
        claimed: dict[str, str] = {}
        for relation in self.relations:
            for end in (relation.head, relation.tail):
                if end not in self.labels:
                    raise ValueError(
                        f"the relation {relation.name!r} joins {end!r}, which is none of the entity labels "
                        f"{', '.join(map(repr, self.labels))}"
                    )
            if relation.name.casefold() == SAME_MENTION:
                raise ValueError(
                    f"the relation label {SAME_MENTION!r} joins the pieces of one mention: name the relation otherwise"
                )
            place = (relation.name, relation.head, relation.tail)
            if place in seen or (relation.symmetric and (place[0], place[2], place[1]) in seen):
                raise ValueError(f"the relation {relation.name!r} from {place[1]!r} to {place[2]!r} is given twice")
            seen.add(place)
            other = first.setdefault(relation.name.casefold(), relation)
            if other.name != relation.name:
                raise ValueError(f"the relation labels {other.name!r} and {relation.name!r} differ by case only")
            if (other.symmetric, other.sources) != (relation.symmetric, relation.sources):
                raise ValueError(f"the relation {relation.name!r} is given twice with different symmetry or sources")
            for source in relation.sources or (relation.name,):
                if claimed.setdefault(source, relation.name) != relation.name:
                    raise ValueError(f"{source!r} counts as both {claimed[source]!r} and {relation.name!r}")
        return self

    @model_validator(mode="after")
    def _labels_differ(self) -> Settings:
        seen: dict[str, str] = {}
        for label in self.labels:
            other = seen.setdefault(label.casefold(), label)
            if other != label:
                raise ValueError(f"the entity labels {other!r} and {label!r} differ by case only")
        if len(seen) != len(self.labels):
            raise ValueError("an entity label is given twice")
        claimed: dict[str, str] = {}
        for entity in self.entities:
            for source in entity.sources or (entity.name,):
                if source in claimed:
                    raise ValueError(f"{source!r} counts as both {claimed[source]!r} and {entity.name!r}")
                claimed[source] = entity.name
        return self


def make_settings(values: dict[str, Any], source: str = "the settings") -> Settings:
    """Check `values` and return them as :class:`Settings`.

    :raises SettingsError: a value is missing, unknown or out of range; the message names each.
    """
    try:
        return Settings.model_validate(values)
    except ValidationError as error:
        raise SettingsError(f"{source}: {_in_words(error)}") from None


def entity_values(texts: Sequence[str]) -> list[dict[str, Any]]:
    """The setting ``entities`` from what a user types: ``LABEL``, or ``NAME=LABEL,LABEL`` to merge several."""
    values = []
    for text in texts:
        label, _, sources = text.partition("=")
        values.append({"name": label, "sources": [source for source in sources.split(",") if source.strip()]})
    return values


def relation_values(texts: Sequence[str], symmetric: Sequence[str] = ()) -> list[dict[str, Any]]:
    """The setting ``relations`` from what a user types: ``NAME[=LABEL,LABEL]:HEAD:TAIL``.

    A name may itself hold colons (``CPR:3:Chemical:Gene``): head and tail are the last two parts.

    :param symmetric: names of those without a direction.
    :raises SettingsError: a text is not of that form, or a symmetric name is not among the relations.
    """
    values: list[dict[str, Any]] = []
    for text in texts:
        parts = text.rsplit(":", 2)
        if len(parts) != 3 or not all(part.strip() for part in parts):
            raise SettingsError(f"the relation {text!r} is not of the form NAME:HEAD:TAIL, e.g. CID:Chemical:Disease")
        named, head, tail = parts
        name, _, sources = named.partition("=")
        values.append(
            {
                "name": name,
                "head": head,
                "tail": tail,
                "symmetric": name.strip() in symmetric,
                "sources": [source for source in sources.split(",") if source.strip()],
            }
        )
    unknown = sorted(set(symmetric) - {str(value["name"]).strip() for value in values})
    if unknown:
        raise SettingsError(f"{unknown[0]!r} is to be symmetric, but is none of the relations")
    return values


def encoder_setting(name: str) -> str:
    """The setting ``encoder.name`` from what a user types: a folder by its whole path, since projects lie elsewhere."""
    return str(Path(name).resolve()) if name not in ("pubmedbert", "minilm") and Path(name).is_dir() else name


def read_settings(folder: Path) -> Settings:
    """Read the settings of the project in `folder`.

    :raises SettingsError: the file is missing, is not TOML, or has a value that is unknown or out of range.
    """
    path = folder / SETTINGS_FILE
    try:
        # some editors put a byte order mark in front
        values = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise SettingsError(f"{path} is missing: this is not a project folder") from None
    except UnicodeDecodeError as error:
        raise SettingsError(f"{path} is not UTF-8 (byte {error.start}); save it as UTF-8") from None
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{path} is not valid TOML: {error}") from None
    return make_settings(values, str(path))


def settings_text(settings: Settings) -> str:
    """The settings file for `settings`, with a comment on each value."""
    import jinja2  # takes a while, and most commands write no settings

    environment = jinja2.Environment(
        undefined=jinja2.StrictUndefined, keep_trailing_newline=True, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["toml"] = _toml_value
    template = environment.from_string(resource("templates/biorat.toml.j2").read_text(encoding="utf-8"))
    return template.render(settings=settings)


def _in_words(error: ValidationError) -> str:
    parts = []
    for problem in error.errors(include_url=False):
        place = ".".join(str(step) for step in problem["loc"])
        message = _WORDS.get(problem["type"], problem["msg"].removeprefix("Value error, "))
        parts.append(f"{place}: {message}" if place else message)
    return "; ".join(parts)


_WORDS = {
    "extra_forbidden": "there is no such setting",
    "missing": "it is missing",
    # the project's name is the only one with a pattern
    "string_pattern_mismatch": (
        "a project's name has up to 40 letters (A to Z), digits, dots, underscores and hyphens, "
        "and begins with a letter or a digit"
    ),
    "string_too_short": "it is empty",
    "finite_number": "expected a finite number",
}


def _toml_value(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return repr(value)
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(_toml_value(item) for item in value) + "]"
    text = str(value)
    escaped = "".join(
        {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}.get(c)
        or (f"\\u{ord(c):04x}" if ord(c) < 32 or ord(c) == 127 else c)
        for c in text
    )
    return f'"{escaped}"'
