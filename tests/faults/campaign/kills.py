"""Kills and signals at every border of every command, and the same command again."""

from __future__ import annotations

import os
import random
import re
import signal
import sqlite3
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from tests.faults.campaign.ledger import Ledger, Trial
from tests.faults.campaign.processes import Ended, Strike, ask, copied, run_command
from tests.faults.campaign.scenes import Scene, Stage, here_and_now, names_in
from tests.faults.campaign.secret_words import shown_in

SLOW, IN_A_ROW = 2.0, 4
"""Seconds after which a command counts as long: it is then killed several times in a row before it may end."""

HOLDER = "trial/biorat.lock.holder"
"""Says who runs a round; that of a killed process stays until the next round."""

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_OURS = re.compile(r".*\.(?:partial|claim|draft)|.*\.init-.*|\.biorat-init\.json.*")


class Play:
    """A scene as it is without any fault, and what it is with one."""

    def __init__(self, stage: Stage, scene: Scene) -> None:
        self.stage, self.scene = stage, scene
        self.claimed = False
        self.template = stage.template(scene)
        self.begin()
        first = self.run(learn=True)
        assert first.code == 0, first.text
        self.borders = first.borders
        self.expected = self.picture()
        self.begin()
        self.seconds = self.run().seconds
        again = self.picture()
        assert again == self.expected, f"{scene.name} is not the same twice: {_difference(self.expected, again)}"

    def begin(self) -> None:
        """Put the folder back to the beginning."""
        copied(self.template, self.stage.place)

    def run(self, strike: Strike | None = None, after_seconds: float | None = None, *, learn: bool = False) -> Ended:
        """Run the command."""
        return run_command(
            self.stage.words(self.scene.words),
            cwd=self.stage.place,
            environment=self.scene.environment,
            strike=strike,
            after_seconds=after_seconds,
            prepare=here_and_now if self.scene.name == "simulate" else None,
            learn=learn,
        )

    def picture(self) -> dict[str, Any]:
        """What there is now."""
        place = self.stage.place
        names = sorted(names_in(place))

        def seen() -> Any:
            os.environ.update(self.scene.environment)
            return self.scene.seen(place)

        return {"names": names, "seen": ask(seen, place)}

    def is_done(self) -> bool:
        """Whether a round was finished, so that another run would make the next one."""
        if not self.scene.repeats:
            return False
        with tempfile.TemporaryDirectory() as folder:
            # looked at in a copy: opening it would repair it
            for path in (self.stage.place / "trial").glob("biorat.sqlite3*"):
                (Path(folder) / path.name).write_bytes(path.read_bytes())
            connection = sqlite3.connect(Path(folder) / "biorat.sqlite3")
            newest = connection.execute("SELECT number, state FROM round ORDER BY number DESC").fetchone()
            connection.close()
        number, state = newest or (-1, "")
        return bool(state == "done" and number == sum(words[0] == "round" for words in self.scene.before))

    def was_complete(self, text: str) -> bool:
        """Whether the user was told that there is nothing left to do.

        Where the claim has gone the command had ended but for its last words: then the target is simply there.
        """
        there = "already exists" in text and not self.claimed
        return bool(self.scene.complete) and (self.scene.complete in text or there)

    def is_claimed(self) -> bool:
        """Whether a process was cut off that had found nothing, before it gave up its claim."""
        return any(lock.read_text().startswith("new") for lock in self.stage.place.rglob(".*.claim"))

    def finish(self, before: str = "") -> dict[str, str]:
        """Run the same command again, and return each harm.

        :param before: what was said by then.
        """
        if self.is_done():
            # a picture is taken by opening the project, as any command does
            return self.compared("", HOLDER)
        self.claimed = self.is_claimed()
        ended = self.run()
        harms = message_harms(ended)
        if ended.code != 0 and not self.was_complete(before + ended.text):
            harms["unclear"] = f"the same command again left with {ended.code}: {ended.text[-300:]}"
        return harms | self.compared(ended.text)

    def compared(self, text: str, later: str = "") -> dict[str, str]:
        """Hold what there is against the undisturbed run.

        :param later: a file that the next command removes.
        """
        harms: dict[str, str] = {}
        try:
            picture = self.picture()
        except AssertionError as error:
            return {"lost": f"what is there cannot be read: {str(error)[-300:]}; {text[-200:]}"}
        extra = sorted(set(picture["names"]) - set(self.expected["names"]) - {later})
        missing = sorted(set(self.expected["names"]) - set(picture["names"]))
        if extra:
            harms["left behind"] = ", ".join(extra[:5])
        if missing:
            harms["lost"] = f"missing: {', '.join(missing[:5])}"
        elif picture["seen"] != self.expected["seen"]:
            harms["silent"] = _difference(self.expected["seen"], picture["seen"])
        return harms


def message_harms(ended: Ended) -> dict[str, str]:
    """What is wrong with what a command has printed."""
    harms: dict[str, str] = {}
    if secret := shown_in(ended.text):
        harms["secrets"] = secret
    if "Traceback" in ended.text or "should not have" in ended.text:
        harms["unclear"] = ended.text[-400:]
    if ended.code is None:
        harms["unclear"] = f"it hung: {ended.text[-200:]}"
    return harms


def kills_at_borders(ledger: Ledger, play: Play, number: int, seed: int, stop: float) -> None:
    """Kill a command at each of its borders."""
    for chain in _chains(play, seed):
        named = ", ".join(f"{border} ({play.borders[border]})" for border in chain)
        fault = f"of {len(play.borders)} borders {named}"
        if ledger.tried("kills") >= number or time.time() > stop:
            return
        if not ledger.has("kills", play.scene.name, fault):
            ledger.add(_killed(play, fault, chain))


def kills_at_random(ledger: Ledger, plays: Sequence[Play], number: int, seed: int, stop: float) -> None:
    """Kill commands at several borders in a row and at random moments, until it is enough."""
    for trial in range(number):
        play = plays[trial % len(plays)]
        rng = random.Random(f"{seed}/{trial}")
        if ledger.tried("kills") >= number or time.time() > stop:
            return
        if trial // len(plays) % 2:
            seconds = rng.uniform(0.0, play.seconds * 1.1)
            fault = f"after {seconds:.3f} s (trial {trial} of seed {seed})"
            if not ledger.has("kills", play.scene.name, fault):
                ledger.add(_killed(play, fault, [], seconds))
        else:
            chain = [rng.randrange(len(play.borders)) for _ in range(rng.randint(2, 5))]
            fault = f"borders {chain} in a row (trial {trial} of seed {seed})"
            if not ledger.has("kills", play.scene.name, fault):
                ledger.add(_killed(play, fault, chain))


def _chains(play: Play, seed: int) -> Iterator[list[int]]:
    """Yield every border once: by itself, or several in a row where a command takes long."""
    borders = list(range(len(play.borders)))
    length = 1 if play.seconds < SLOW else IN_A_ROW
    if length > 1:
        random.Random(f"chains/{seed}").shuffle(borders)
    for place in range(0, len(borders), length):
        yield borders[place : place + length]


def _killed(play: Play, fault: str, chain: list[int], after_seconds: float | None = None) -> Trial:
    began = time.monotonic()
    play.begin()
    deaths = 0
    harms: dict[str, str] = {}
    for border in chain or [None]:
        if deaths and play.is_done():
            break
        play.claimed = play.is_claimed()
        ended = play.run(Strike(border) if border is not None else None, after_seconds)
        if ended.code != -signal.SIGKILL:
            # the run that goes on has fewer borders
            if ended.code != 0 and not play.was_complete(ended.text):
                harms = {"unclear": f"left with {ended.code}: {ended.text[-300:]}"}
            break
        deaths += 1
        harms |= message_harms(ended)
    else:
        harms |= play.finish()
        return Trial("kills", play.scene.name, fault, harms, max(1, deaths), time.monotonic() - began)
    harms |= play.compared("", HOLDER if play.is_done() else "")
    return Trial("kills", play.scene.name, fault, harms, max(1, deaths), time.monotonic() - began)


def signals(ledger: Ledger, plays: Sequence[Play], number: int, seed: int, stop: float) -> None:
    """Send commands each signal at random borders, until there were `number` of all."""
    for play, signal_number, border in _places(plays, seed, number):
        name = signal.Signals(signal_number).name
        fault = f"{name} at border {border} of {len(play.borders)}, {play.borders[border]}"
        if ledger.tried("signals") >= number or time.time() > stop:
            return
        if ledger.has("signals", play.scene.name, fault):
            continue
        began = time.monotonic()
        play.begin()
        before = names_in(play.stage.place)
        ended = play.run(Strike(border, signal_number))
        harms = message_harms(ended)
        if ended.code not in (0, 128 + signal_number):
            harms["unclear"] = f"left with {ended.code}: {ended.text[-300:]}"
        elif ended.code and "Interrupted." not in ended.text:
            harms["unclear"] = f"not told: {ended.text[-300:]}"
        left = {name for name in names_in(play.stage.place) - before if _OURS.fullmatch(Path(name).name)}
        if left:
            harms["left behind"] = ", ".join(sorted(left)[:5])
        harms = (play.finish(ended.text) if ended.code else play.compared(ended.text)) | harms
        ledger.add(Trial("signals", play.scene.name, fault, harms, 1, time.monotonic() - began))


def _places(plays: Sequence[Play], seed: int, number: int) -> Iterator[tuple[Play, int, int]]:
    rng = random.Random(f"signals/{seed}")
    for trial in range(4 * number):
        play = plays[trial % len(plays)]
        yield play, SIGNALS[trial // len(plays) % len(SIGNALS)], rng.randrange(len(play.borders))


def _difference(expected: Any, found: Any, where: str = "") -> str:
    """Say where two pictures differ first."""
    if isinstance(expected, dict) and isinstance(found, dict):
        for key in [*expected, *(key for key in found if key not in expected)]:
            if expected.get(key) != found.get(key):
                return _difference(expected.get(key), found.get(key), f"{where}/{key}")
    if isinstance(expected, list) and isinstance(found, list) and len(expected) == len(found):
        for place, (one, other) in enumerate(zip(expected, found, strict=True)):
            if one != other:
                return _difference(one, other, f"{where}/{place}")
    return f"{where}: {str(expected)[:150]} expected, found {str(found)[:150]}"
