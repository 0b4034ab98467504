"""A store with documents, on each kind of database."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import pytest
from sqlalchemy import URL

from biorat_al.corpus.model.document import Annotation, Document, Entity, Record, Span
from biorat_al.settings import Settings, make_settings
from biorat_al.store import creation
from biorat_al.store.documents import ImportReport
from biorat_al.store.store import Store, add_project


@pytest.fixture
def settings() -> Settings:
    return make_settings({"name": "demo", "entities": [{"name": "Disease", "sources": ["Disease", "Syndrome"]}]})


@pytest.fixture
def store(empty_database: URL) -> Iterator[Store]:
    store = Store.create(empty_database)
    yield store
    store.close()


def record(key: str, text: str = "Asthma is a disease.", label: str | None = "Disease") -> Record:
    entities = (Entity("T1", label, (Span(0, 6),)),) if label else ()
    return Record(Document(key, text), Annotation(entities), f"file.txt:{key}")


Fill = Callable[..., ImportReport]


@pytest.fixture
def fill(store: Store, settings: Settings) -> Fill:
    def fill(pool: Sequence[Record], test: Sequence[Record] | None = None, **options: object) -> ImportReport:
        arguments: dict = {"settings": settings, "test_size": 0, "gold": True} | options
        with store.write() as session:
            add_project(session, settings.name)
            return creation.fill(session, pool=pool, test=test, **arguments)

    return fill
