"""A project's settings: one TOML file without secrets, checked when it is read.

Secrets and addresses come from the environment: ``LABEL_STUDIO_URL``, ``LABEL_STUDIO_API_KEY`` and
``BIORAT_DATABASE_URL``.

- ``base``: what all parts of the settings share.
- ``labels``, ``learning``, ``cost``, ``team``: the parts for labels, for models, for prices and for annotators.
- ``computing``, ``cluster``: the parts for work on this machine and on several.
- ``borrow``: a borrowed start: corpora that others annotated.
- ``pre_labels``: pre-labels from files and dictionaries.
- ``settings``: the parts for selection, evaluation, desk and database, and ``Settings``, which holds all parts.
- ``file``: the settings file, read and written.
- ``guidelines``: the annotation guidelines, a text file that the settings name.
- ``older``: the defaults that settings written by an older version keep, and what keeps the names of its models.
- ``options``: settings from what a user types on the command line.

``base < labels | learning | cost | team | computing | cluster | pre_labels < borrow < settings < file | guidelines``;
``file`` imports ``older``, which, like ``options``, imports none of them.
"""

from biorat_al.settings.borrow import BorrowedCorpus, BorrowSettings
from biorat_al.settings.cluster import ClusterSettings
from biorat_al.settings.computing import ComputingSettings
from biorat_al.settings.cost import CostSettings
from biorat_al.settings.file import SETTINGS_FILE, read_settings, settings_text
from biorat_al.settings.guidelines import Guidelines, project_guidelines, read_guidelines
from biorat_al.settings.labels import SAME_MENTION, EntityType, RelationType
from biorat_al.settings.learning import (
    COMMITTEE,
    USUAL_SHIFT,
    AdversarialSettings,
    Arm,
    RelationSettings,
    TextContext,
    TrainingSettings,
)
from biorat_al.settings.older import with_older_defaults, without_later
from biorat_al.settings.options import encoder_setting, entities_setting, relations_setting
from biorat_al.settings.pre_labels import Dictionary, PreLabelFile
from biorat_al.settings.settings import AskedUnit, Settings, make_settings

__all__ = [
    "COMMITTEE",
    "SAME_MENTION",
    "SETTINGS_FILE",
    "USUAL_SHIFT",
    "AdversarialSettings",
    "Arm",
    "AskedUnit",
    "BorrowSettings",
    "BorrowedCorpus",
    "ClusterSettings",
    "ComputingSettings",
    "CostSettings",
    "Dictionary",
    "EntityType",
    "Guidelines",
    "PreLabelFile",
    "RelationSettings",
    "RelationType",
    "Settings",
    "TextContext",
    "TrainingSettings",
    "encoder_setting",
    "entities_setting",
    "make_settings",
    "project_guidelines",
    "read_guidelines",
    "read_settings",
    "relations_setting",
    "settings_text",
    "with_older_defaults",
    "without_later",
]
