"""Whether an `init` that was interrupted had made its project."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import inspect, select
from sqlalchemy.orm import Session

from biorat_al.settings import read_settings
from biorat_al.store.database.engine import database_errors, database_url, open_engine
from biorat_al.store.tables import ProjectRow


def is_complete(place: Path, uid: str) -> bool:
    """Return whether the database of the project in a folder holds the project with that uid."""
    url = database_url(read_settings(place).database.url, place)
    if url.get_backend_name() == "sqlite" and not Path(url.database or "").is_file():
        return False
    engine = open_engine(url)
    try:
        with database_errors(url):
            if not inspect(engine).has_table(ProjectRow.__tablename__):
                return False
            with Session(engine) as session:
                return session.scalar(select(ProjectRow.uid)) == uid
    finally:
        engine.dispose()
