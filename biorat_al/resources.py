"""The paths of the files that ship with the package: labelling configuration, report, data card, migrations."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).parent


def resource(name: str) -> Path:
    """Return the path of a shipped file or folder, e.g. ``templates/labelling.xml.j2`` or ``migrations``.

    A wheel has them inside the package, a checkout beside it.

    :raises FileNotFoundError: it is in neither place; the installation is broken.
    """
    for base in (_PACKAGE, _PACKAGE.parent):
        path = base / name
        if path.exists():
            return path
    raise FileNotFoundError(f"{name} is missing from this installation of biorat-al; install it again")
