"""A project's settings: one TOML file, checked when it is read, with no secret in it.

Secrets and addresses come from the environment: ``LABEL_STUDIO_URL``, ``LABEL_STUDIO_API_KEY`` and
``BIORAT_DATABASE_URL``.
"""

from biorat_al.settings.file import SETTINGS_FILE, read_settings, settings_text
from biorat_al.settings.guidelines import Guidelines, project_guidelines, read_guidelines
from biorat_al.settings.labels import SAME_MENTION, EntityType, RelationType
from biorat_al.settings.learning import AdversarialSettings, Arm, RelationSettings, TrainingSettings
from biorat_al.settings.options import encoder_setting, entity_values, relation_values
from biorat_al.settings.settings import Settings, make_settings

__all__ = [
    "SAME_MENTION",
    "SETTINGS_FILE",
    "AdversarialSettings",
    "Arm",
    "EntityType",
    "Guidelines",
    "RelationSettings",
    "RelationType",
    "Settings",
    "TrainingSettings",
    "encoder_setting",
    "entity_values",
    "make_settings",
    "project_guidelines",
    "read_guidelines",
    "read_settings",
    "relation_values",
    "settings_text",
]
