"""All settings of a project, and the check of their values."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints, ValidationError, field_validator, model_validator

from biorat_al.errors import SettingsError
from biorat_al.redaction import has_password
from biorat_al.settings.base import Name, Place, SettingsPart
from biorat_al.settings.borrow import BorrowSettings
from biorat_al.settings.cluster import ClusterSettings
from biorat_al.settings.computing import ComputingSettings
from biorat_al.settings.cost import CostSettings
from biorat_al.settings.labels import EntityType, RelationType, check_entities, check_relations
from biorat_al.settings.learning import AdversarialSettings, EncoderSettings, RelationSettings, TrainingSettings
from biorat_al.settings.pre_labels import Dictionary, PreLabelFile
from biorat_al.settings.team import TeamSettings

DeskKind = Literal["label-studio", "oracle"]

AskedUnit = Literal["document", "sentence"]
"""What a task asks for."""


class SelectionSettings(SettingsPart):
    """How the documents of the next batch are chosen.

    :param size: documents per round, unless `tokens` is given.
    :param tokens: budget per round in word pieces instead of documents.
    :param strategy: query strategy once there is a model.
    :param seed_strategy: query strategy for the first batch, before there is a model.
    :param diverse: keep near-duplicates out of a batch.
    :param subsample: from a larger pool, this number of documents (or three times the batch, if that is more) is drawn
        at random for strategies that run the model again, and for ``diverse``.
    :param score_all: largest pool that the model predicts as a whole in each round, in documents or sentences. Of a
        larger one it predicts a random sample, and what is then most likely to be chosen. A settings file that an older
        version wrote does not have this setting, and all of its pool is predicted.
    :param candidates: how many of a pool larger than `score_all` the model predicts; at least three times the batch.
    :param at_random: share of the candidates that is drawn at random, so that every document can be chosen.
    :param mc_passes: number of passes with dropout, for strategies that compare several passes.
    :param unit: what annotators are asked for: whole documents, or single sentences (``sentence``), each shown with the
        text around it; ``auto`` asks for sentences until the F1 levels off, and for documents from then on, first for
        those that were begun. With sentences, `size` still counts documents: a batch has as many sentences as take the
        time of so many documents.
    :param per: ``document``: take the highest scores; ``hour``: the highest scores per expected second of annotation
        (see [cost]), so that documents that are quick to annotate come sooner.
    """

    size: Annotated[int, Field(ge=1, le=1_000_000_000)] = 20
    tokens: Annotated[int, Field(ge=1, le=1_000_000_000)] | None = None
    strategy: Name = "mnlp"
    seed_strategy: Name = "diverse"
    diverse: bool = True
    subsample: Annotated[int, Field(ge=1, le=1_000_000_000)] = 10_000
    score_all: Annotated[int, Field(ge=1, le=1_000_000_000)] = 40_000
    candidates: Annotated[int, Field(ge=1, le=1_000_000_000)] = 20_000
    at_random: Annotated[float, Field(gt=0, le=1)] = 0.25
    mc_passes: Annotated[int, Field(ge=2, le=1000)] = 10
    unit: AskedUnit | Literal["auto"] = "document"
    per: Literal["document", "hour"] = "document"


class EvaluationSettings(SettingsPart):
    """Further measures on the held-out test documents, besides strict span F1.

    :param robustness: also measure F1 on the same documents with typing errors, changed case and swapped entities.
    """

    robustness: bool = True


class DeskSettings(SettingsPart):
    """The place where people annotate. The address and token of Label Studio come from the environment.

    :param kind: ``label-studio``, or ``oracle``, which answers from the documents' own gold annotations.
    """

    kind: DeskKind = "label-studio"


class DatabaseSettings(SettingsPart):
    """The database that keeps the rounds.

    :param url: ``sqlite`` (a file in the project folder), ``environment`` (``BIORAT_DATABASE_URL``), or a database URL
        without a password.
    """

    url: Place = "sqlite"

    @field_validator("url")
    @classmethod
    def _no_secret(cls, value: str) -> str:
        # the message must not contain the value
        if has_password(value):
            raise ValueError(
                'it holds a password, which does not belong in a file; write "environment" here and put the whole '
                "address in the environment variable BIORAT_DATABASE_URL"
            )
        return value


class Settings(SettingsPart):
    """All settings of a project.

    :param name: name of the project; its models and its projects in Label Studio are named after it.
    :param seed: decides every random choice: test set, first batch, ties, order, initial weights, Bernoulli draws.
    :param guidelines: path of a Markdown or text file, relative to the project's folder; annotators see it, and it is
        exported with the corpus.

    >>> from biorat_al import make_settings
    >>> settings = make_settings({"name": "trial", "entities": [{"name": "Chemical"}, {"name": "Disease"}]})
    >>> settings.labels, settings.selection.size, settings.encoder.name
    (('Chemical', 'Disease'), 20, 'pubmedbert')
    """

    name: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,39}$")]
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 13
    guidelines: Place | None = None
    entities: Annotated[tuple[EntityType, ...], Field(min_length=1)]
    relations: tuple[RelationType, ...] = ()
    encoder: EncoderSettings = EncoderSettings()
    training: TrainingSettings = TrainingSettings()
    adversarial: AdversarialSettings = AdversarialSettings()
    relation_extraction: RelationSettings = RelationSettings()
    selection: SelectionSettings = SelectionSettings()
    cost: CostSettings = CostSettings()
    evaluation: EvaluationSettings = EvaluationSettings()
    borrow: BorrowSettings = BorrowSettings()
    pre_labels: tuple[PreLabelFile, ...] = ()
    dictionary: tuple[Dictionary, ...] = ()
    team: TeamSettings = TeamSettings()
    desk: DeskSettings = DeskSettings()
    database: DatabaseSettings = DatabaseSettings()
    computing: ComputingSettings = ComputingSettings()
    cluster: ClusterSettings = ClusterSettings()

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
        """Whether gold annotations of the pool count as labels. For the oracle they are its future answers."""
        return self.desk.kind != "oracle"

    def label_of(self, source_label: str) -> str | None:
        """Return the project's label for a label of the source documents; None if the project does not use it."""
        return next((entity.name for entity in self.entities if entity.covers(source_label)), None)

    def relation_label_of(self, source_label: str) -> str | None:
        """Return the project's label for a relation label of the documents; None if the project does not use it."""
        return next((relation.name for relation in self.relations if relation.covers(source_label)), None)

    @model_validator(mode="after")
    def _labels_fit(self) -> Settings:
        check_relations(self.relations, self.labels)
        check_entities(self.entities)
        unknown = [entity.name for entity in self.borrow.entities if entity.name not in self.labels]
        if unknown:
            raise ValueError(f"{unknown[0]!r} is borrowed, but is not one of the labels {', '.join(self.labels)}")
        for one in self.dictionary:
            if one.label not in self.labels:
                raise ValueError(
                    f"the dictionary {one.file} has the label {one.label!r}, which is not one of the labels "
                    f"{', '.join(self.labels)}"
                )
        return self


def make_settings(values: dict[str, Any], source: str = "the settings") -> Settings:
    """Check `values` and return them as :class:`Settings`.

    :raises SettingsError: a value is missing, unknown or out of range; the message names each.

    >>> from biorat_al import SettingsError, make_settings
    >>> try:
    ...     make_settings({"name": "trial", "entities": [{"name": "Disease"}], "sede": 7})
    ... except SettingsError as error:
    ...     print(error)
    the settings: sede: there is no such setting; did you mean seed?
    """
    try:
        return Settings.model_validate(values)
    except ValidationError as error:
        raise SettingsError(f"{source}: {_in_words(error)}") from None


def _in_words(error: ValidationError) -> str:
    parts = []
    for problem in error.errors(include_url=False):
        # where a setting has one of two types, pydantic adds the type: constrained-int, literal['document']
        steps = [str(step) for step in problem["loc"] if not str(step).startswith(("constrained-", "literal["))]
        place = ".".join(steps)
        message = _WORDS.get(problem["type"]) or _plain(problem["msg"])
        if problem["type"] == "extra_forbidden" and (meant := _meant(steps)):
            message = f"{message}; did you mean {meant}?"
        parts.append(f"{place}: {message}" if place else message)
    return "; ".join(parts)


def _plain(message: str) -> str:
    """Return one of pydantic's messages without its own words."""
    return message.removeprefix("Value error, ").replace("Input should be", "expected")


def _meant(steps: Sequence[str]) -> str | None:
    """Return the setting with almost the name of an unknown one, in the same part of the settings."""
    part: Any = Settings
    for step in steps[:-1]:
        field = part.model_fields.get(step) if isinstance(part, type) and issubclass(part, SettingsPart) else None
        part = field.annotation if field else None
    known = part.model_fields if isinstance(part, type) and issubclass(part, SettingsPart) else ()
    return next(iter(difflib.get_close_matches(steps[-1], known, n=1, cutoff=0.75)), None)


_WORDS = {
    "extra_forbidden": "there is no such setting",
    "missing": "it is missing",
    # only the project's name has a pattern
    "string_pattern_mismatch": (
        "a project's name has up to 40 letters (A to Z), digits, dots, underscores and hyphens, "
        "and begins with a letter or a digit"
    ),
    "string_too_short": "it is empty",
    "too_short": "at least one is needed",
    "int_type": "expected a whole number",
    "int_parsing": "expected a whole number",
    "int_from_float": "expected a whole number",
    "float_type": "expected a number",
    "float_parsing": "expected a number",
    "bool_type": "expected true or false",
    "bool_parsing": "expected true or false",
    "string_type": "expected text in quotes",
    "finite_number": "expected a finite number",
}
