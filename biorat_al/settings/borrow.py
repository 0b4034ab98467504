"""Settings for a borrowed start: corpora that others annotated, from which every round begins."""

from __future__ import annotations

from collections.abc import Collection
from typing import Annotated

from pydantic import Field, model_validator

from biorat_al.settings.base import Name, Place, SettingsPart
from biorat_al.settings.labels import EntityType, check_entities


class BorrowedCorpus(SettingsPart):
    """A corpus that others annotated, as ``init --borrow`` copied it.

    :param file: the copy, relative to the project's folder.
    :param name: name of the file or folder that it came from, or its address on the Hugging Face hub, with the commit.
    :param license: its licence; None: not stated.
    """

    file: Place
    name: Name
    license: Name | None = None


class BorrowSettings(SettingsPart):
    """The borrowed start: one training on corpora that others annotated, from which every round begins.

    :param corpora: the borrowed corpora; empty: rounds begin from the base encoder. Remove an entry and the next round
        no longer borrows it.
    :param entities: which labels of these corpora count as which of the project's; a label of the project that is not
        listed is borrowed from the label of its own name, and from its `sources`.
    :param epochs: passes over the borrowed documents.
    :param learning_rate: peak learning rate of that training; None: as for `training`.
    :param batch_size: sentences per optimizer step of that training.
    :param check_from: number of annotated documents from which rounds compare the borrowed start with the base encoder,
        and again each time there are twice as many; 0 never compares them.
    """

    corpora: tuple[BorrowedCorpus, ...] = ()
    entities: tuple[EntityType, ...] = ()
    epochs: Annotated[int, Field(ge=1, le=10_000)] = 1
    learning_rate: Annotated[float, Field(gt=0, lt=1)] | None = None
    batch_size: Annotated[int, Field(ge=1, le=10_000)] = 4
    check_from: Annotated[int, Field(ge=0, le=1_000_000_000)] = 20

    @model_validator(mode="after")
    def _labels_fit(self) -> BorrowSettings:
        check_entities(self.entities)
        return self

    def mapping(self, entities: Collection[EntityType]) -> dict[str, str]:
        """Return the project's label for each label of the borrowed corpora that counts as one.

        :param entities: the project's entity types.
        """
        given = {entity.name: entity for entity in self.entities}
        mapped: dict[str, str] = {}
        for entity in entities:
            listed = given.get(entity.name)
            sources = (entity.name, *entity.sources) if listed is None else listed.sources or (listed.name,)
            for source in sources:
                mapped.setdefault(source, entity.name)
        return mapped
