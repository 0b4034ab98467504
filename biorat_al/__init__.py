"""biorat-al: an active-learning loop for biomedical annotation with Label Studio and random adversarial training."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from biorat_al.project import Project

__all__ = ["Project", "__version__"]


def __getattr__(name: str) -> Any:
    # the command line starts faster when this is not read until it is needed
    if name == "Project":
        from biorat_al.project import Project

        return Project
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
