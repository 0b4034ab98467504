"""biorat-al: an active-learning loop for biomedical annotation with Label Studio and random adversarial training.

The names in ``__all__`` are what a program may rely on; everything else may change without notice. Each is imported
when it is first used, so that ``import biorat_al`` alone is quick::

    from biorat_al import Project

    with Project.open("my-project") as project:
        report = project.round(size=20)
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from biorat_al.version import __version__ as __version__

# type checkers read this; at run time the map below is used, and a test keeps the two equal
if TYPE_CHECKING:
    from biorat_al.corpus.convert import Conversion as Conversion
    from biorat_al.corpus.convert import convert_corpus as convert_corpus
    from biorat_al.corpus.formats.base import ReadOptions as ReadOptions
    from biorat_al.corpus.formats.base import ReadReport as ReadReport
    from biorat_al.corpus.formats.base import WriteReport as WriteReport
    from biorat_al.corpus.model.document import Annotation as Annotation
    from biorat_al.corpus.model.document import Concept as Concept
    from biorat_al.corpus.model.document import ConceptRelation as ConceptRelation
    from biorat_al.corpus.model.document import Document as Document
    from biorat_al.corpus.model.document import Entity as Entity
    from biorat_al.corpus.model.document import Passage as Passage
    from biorat_al.corpus.model.document import Record as Record
    from biorat_al.corpus.model.document import Relation as Relation
    from biorat_al.corpus.model.document import Span as Span
    from biorat_al.corpus.reading import read_corpus as read_corpus
    from biorat_al.corpus.reading import write_corpus as write_corpus
    from biorat_al.corpus.sources import Sources as Sources
    from biorat_al.corpus.validate import Validation as Validation
    from biorat_al.corpus.validate import validate_corpus as validate_corpus
    from biorat_al.efficiency.simulation.grid import Grid as Grid
    from biorat_al.efficiency.simulation.simulation import Simulation as Simulation
    from biorat_al.errors import BioratError as BioratError
    from biorat_al.errors import ClusterError as ClusterError
    from biorat_al.errors import CorpusError as CorpusError
    from biorat_al.errors import DeskAccessError as DeskAccessError
    from biorat_al.errors import DeskError as DeskError
    from biorat_al.errors import DeskProjectGoneError as DeskProjectGoneError
    from biorat_al.errors import DeskUnreachableError as DeskUnreachableError
    from biorat_al.errors import DuplicateDocumentError as DuplicateDocumentError
    from biorat_al.errors import EncoderNotFoundError as EncoderNotFoundError
    from biorat_al.errors import FormatError as FormatError
    from biorat_al.errors import LabelError as LabelError
    from biorat_al.errors import LearnerError as LearnerError
    from biorat_al.errors import LockedError as LockedError
    from biorat_al.errors import NotEnoughLabelsError as NotEnoughLabelsError
    from biorat_al.errors import NothingToDoYet as NothingToDoYet
    from biorat_al.errors import OffsetError as OffsetError
    from biorat_al.errors import ProjectError as ProjectError
    from biorat_al.errors import SchemaVersionError as SchemaVersionError
    from biorat_al.errors import SettingsError as SettingsError
    from biorat_al.errors import StoreError as StoreError
    from biorat_al.errors import UsageError as UsageError
    from biorat_al.export.export import ExportOptions as ExportOptions
    from biorat_al.learner.counts import Scores as Scores
    from biorat_al.learner.entities.scoring import score as score
    from biorat_al.learner.entities.tagger import Tagger as Tagger
    from biorat_al.learner.predictor import Predictor as Predictor
    from biorat_al.learner.types import Prediction as Prediction
    from biorat_al.learner.types import Uncertainty as Uncertainty
    from biorat_al.progress import TerminalProgress as TerminalProgress
    from biorat_al.project import Project as Project
    from biorat_al.settings import Settings as Settings
    from biorat_al.settings import make_settings as make_settings
    from biorat_al.settings import read_settings as read_settings

_PUBLIC: dict[str, tuple[str, ...]] = {
    "biorat_al.corpus.formats.base": ("ReadOptions", "ReadReport", "WriteReport"),
    "biorat_al.corpus.convert": ("Conversion", "convert_corpus"),
    "biorat_al.corpus.model.document": (
        "Annotation", "Concept", "ConceptRelation", "Document", "Entity", "Passage", "Record", "Relation", "Span",
    ),
    "biorat_al.corpus.reading": ("read_corpus", "write_corpus"),
    "biorat_al.corpus.sources": ("Sources",),
    "biorat_al.corpus.validate": ("Validation", "validate_corpus"),
    "biorat_al.efficiency.simulation.grid": ("Grid",),
    "biorat_al.efficiency.simulation.simulation": ("Simulation",),
    "biorat_al.errors": (
        "BioratError", "ClusterError", "CorpusError", "DeskAccessError", "DeskError", "DeskProjectGoneError",
        "DeskUnreachableError", "DuplicateDocumentError", "EncoderNotFoundError", "FormatError", "LabelError",
        "LearnerError", "LockedError", "NotEnoughLabelsError", "NothingToDoYet", "OffsetError", "ProjectError",
        "SchemaVersionError", "SettingsError", "StoreError", "UsageError",
    ),
    "biorat_al.learner.entities.tagger": ("Tagger",),
    "biorat_al.learner.predictor": ("Predictor",),
    "biorat_al.learner.counts": ("Scores",),
    "biorat_al.learner.entities.scoring": ("score",),
    "biorat_al.learner.types": ("Prediction", "Uncertainty"),
    "biorat_al.progress": ("TerminalProgress",),
    "biorat_al.project": ("Project",),
    "biorat_al.export.export": ("ExportOptions",),
    "biorat_al.settings": ("Settings", "make_settings", "read_settings"),
}  # fmt: skip

_MODULES = {name: module for module, names in _PUBLIC.items() for name in names}

__all__ = sorted([*_MODULES, "__version__"])


if not TYPE_CHECKING:  # with this, a type checker would accept every name

    def __getattr__(name: str) -> Any:
        """Import a public name when it is first used."""
        if name not in _MODULES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = globals()[name] = getattr(import_module(_MODULES[name]), name)
        return value


def __dir__() -> list[str]:
    """Return the names of the module, including those not imported yet."""
    return sorted({*globals(), *__all__})
