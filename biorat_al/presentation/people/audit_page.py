"""The page that ``audit --html`` writes: one file that needs no network, from ``templates/audit.html.j2``."""

from __future__ import annotations

from pathlib import Path

import jinja2

from biorat_al.claims import check_target, claimed
from biorat_al.files import replacing
from biorat_al.people.audit.audit import Audit
from biorat_al.presentation.people.audit import KINDS, SCORE, habit_cells, summary
from biorat_al.resources import resource
from biorat_al.version import __version__
from biorat_al.wording import plural


def page_html(audit: Audit, name: str) -> str:
    """Return the page.

    :param name: name of the project or of the files.
    """
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(resource("templates"), encoding="utf-8"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("audit.html.j2").render(
        audit=audit,
        name=name,
        summary=summary(audit),
        more=plural(audit.left_out, "more finding") if audit.left_out else "",
        kinds=KINDS,
        score=SCORE,
        habits=[(habit, habit_cells(habit)) for habit in audit.habits],
        version=__version__,
    )


def write_page(audit: Audit, name: str, path: Path, *, force: bool = False) -> None:
    """Write the page.

    :raises ProjectError: the file already exists and `force` is not set.
    """
    with claimed(path, force=force) as claim:
        check_target(path, force=force, claim=claim)
        with replacing(path) as half:
            half.write_text(page_html(audit, name), encoding="utf-8")
