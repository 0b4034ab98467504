"""The lock on Postgres: a process that loses it stops, and no other enters before."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import URL, create_engine, text

from biorat_al.errors import LockedError
from biorat_al.rounds import lock as lock_module
from biorat_al.rounds.lock import round_lock
from biorat_al.store.database.busy import HOLDER_FILE
from biorat_al.store.database.engine import database_url
from biorat_al.store.store import Store, add_project

pytestmark = pytest.mark.postgres


@pytest.fixture
def shared(new_postgres_database: object) -> Iterator[Store]:
    """Return a project's database on Postgres."""
    store = Store.create(new_postgres_database())  # type: ignore[operator]
    with store.write() as session:
        add_project(session, "shared")
    yield store
    store.close()


def folders(tmp_path: Path) -> tuple[Path, Path]:
    """Return the project's folders on two machines."""
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
    return tmp_path / "one", tmp_path / "other"


def end_the_lock_s_connection(url: URL) -> None:
    """Cut connections as an idle time-out or a firewall does."""
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        ended = connection.execute(
            text("SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND granted")
        ).all()
    engine.dispose()
    assert ended == [(True,)]


def test_a_second_machine_is_kept_out_and_hears_who_is_in(shared: Store, tmp_path: Path) -> None:
    one, other = folders(tmp_path)
    with round_lock(one, shared) as held:
        held.check()
        with pytest.raises(LockedError, match=r"database connection \d+ from"), round_lock(other, shared):
            pass
        held.check()
    with round_lock(other, shared) as held:
        held.check()


def test_whoever_has_lost_the_lock_is_told_at_the_next_step_and_the_other_may_enter(
    shared: Store, tmp_path: Path
) -> None:
    one, other = folders(tmp_path)
    second = Store(shared.url)
    with round_lock(one, shared) as held:
        end_the_lock_s_connection(shared.url)
        with round_lock(other, second) as theirs:
            for _ in range(2):
                with pytest.raises(LockedError, match=r"lost its lock \(its connection to the database was cut\)"):
                    held.check()
            theirs.check()
    second.close()


def test_what_happened_is_not_hidden_by_a_lock_that_cannot_be_given_back(shared: Store, tmp_path: Path) -> None:
    def work() -> None:
        with round_lock(tmp_path, shared):
            end_the_lock_s_connection(shared.url)
            raise RuntimeError("what happened")

    with pytest.raises(RuntimeError, match="what happened"):
        work()
    with round_lock(tmp_path, shared):
        end_the_lock_s_connection(shared.url)


def test_a_lock_whose_connection_is_used_outlives_a_time_limit_for_idle_ones(
    shared: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lock_module, "KEEP_ALIVE_SECONDS", 0.2)
    with shared.engine.connect() as connection:
        connection.execution_options(isolation_level="AUTOCOMMIT")
        name = shared.url.database
        for setting in ("idle_session_timeout", "idle_in_transaction_session_timeout"):
            connection.execute(text(f"ALTER DATABASE {name} SET {setting} = '1s'"))
    limited = Store(shared.url)
    with round_lock(tmp_path, limited) as held:
        threading.Event().wait(2.5)
        held.check()
    limited.close()


def test_the_connection_of_a_lock_is_used_again_and_again(
    shared: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # firewalls and pools in front of the server have time limits too, which nobody can ask for or lift
    monkeypatch.setattr(lock_module, "KEEP_ALIVE_SECONDS", 0.1)
    used = text(
        "SELECT a.state_change FROM pg_stat_activity a JOIN pg_locks l USING (pid) "
        "WHERE l.locktype = 'advisory' AND l.granted"
    )
    seen = set()
    with round_lock(tmp_path, shared), shared.engine.connect() as connection:
        connection = connection.execution_options(isolation_level="AUTOCOMMIT")
        for _ in range(100):
            seen.add(connection.scalar(used))
            if len(seen) > 3:
                break
            threading.Event().wait(0.1)
    assert len(seen) > 3


def test_a_time_limit_for_transactions_does_not_end_the_lock(shared: Store, tmp_path: Path) -> None:
    with shared.engine.connect() as connection:
        connection.execution_options(isolation_level="AUTOCOMMIT")
        known = (
            "SELECT name FROM pg_settings WHERE name IN ('idle_in_transaction_session_timeout', 'transaction_timeout')"
        )
        for setting in connection.scalars(text(known)).all():
            connection.execute(text(f"ALTER DATABASE {shared.url.database} SET {setting} = '1s'"))
    limited = Store(shared.url)
    with round_lock(tmp_path, limited) as held:
        threading.Event().wait(2)
        held.check()
    limited.close()


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="signals as POSIX has them")
def test_an_interruption_while_the_lock_is_given_up_leaves_nobody_in_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store.create(database_url("sqlite", tmp_path))
    unlink = os.unlink

    def interrupted(path: str, **options: object) -> None:
        monkeypatch.undo()
        os.kill(os.getpid(), signal.SIGINT)
        unlink(path, **options)

    with pytest.raises(KeyboardInterrupt), round_lock(tmp_path, store):
        monkeypatch.setattr(os, "unlink", interrupted)
    assert not (tmp_path / HOLDER_FILE).exists()
    with round_lock(tmp_path, store):
        pass
    store.close()
