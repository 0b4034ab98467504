"""Faults between a round and its Label Studio: in each request, and the same command again."""

from __future__ import annotations

import json
import random
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from tests.faults.campaign.faulty_proxy import FAULTS, STALL, faulty_proxy
from tests.faults.campaign.kills import message_harms
from tests.faults.campaign.ledger import Ledger, Trial
from tests.faults.campaign.processes import Ended, ask, copied, load_libraries, run_command
from tests.faults.campaign.scenes import ENVIRONMENT, INIT, ROUND, Stage, names_in, the_project
from tests.faults.campaign.server import CONTROL, in_a_process, keeping_server
from tests.support.commands import be_quick
from tests.support.rounds import demo_files

INIT_HERE = tuple("label-studio" if word == "oracle" else word for word in INIT if word != "--gold")

# a stop that is waited for, here in tenths of a second
_PATIENCE, _POLL = 0.8, 0.05


def impatient() -> None:
    """Shorten every wait, so that a thousand faults take minutes."""
    from biorat_al.desk.labelstudio import client, pushing

    pushing.PATIENCE, pushing.POLL = _PATIENCE, _POLL
    client.LabelStudioDesk.__init__.__kwdefaults__["timeout"] = STALL - 0.7  # type: ignore[index]
    sleep = time.sleep
    time.sleep = lambda seconds: sleep(min(seconds, 0.05))


@dataclass
class Act:
    """A round as it begins.

    :param template: the project's folder.
    :param state: what the server has then.
    """

    name: str
    template: Path
    state: Any
    requests: int = 0
    expected: Any = None


class Network:
    """A server, a proxy before it, and rounds in which one request is spoiled."""

    def __init__(self, stage: Stage, server: str, proxy: str) -> None:
        self.stage, self.server, self.proxy = stage, server, proxy
        self.environment = {**ENVIRONMENT, "LABEL_STUDIO_URL": proxy}
        self.last_text = ""
        self._http = httpx.Client(timeout=60, trust_env=False)

    def command(self, *words: str, learn: bool = False) -> Ended:
        """Run a command in the place of the stage."""
        return run_command(
            self.stage.words(words), cwd=self.stage.place, environment=self.environment, prepare=impatient, learn=learn
        )

    def control(self, what: str, body: Any = None) -> Any:
        """Ask the fake server for its state, or change it."""
        return self._http.post(f"{self.server}{CONTROL}/{what}", json=body).raise_for_status().json()

    def spoil(self, at: int, width: int, fault: str) -> None:
        """Spoil `width` requests, beginning with request number `at`."""
        body = {"at": at, "width": width, "fault": fault}
        self._http.post(f"{self.proxy}{CONTROL}/fault", json=body).raise_for_status()

    def seen(self) -> Any:
        """What the proxy has counted since :meth:`spoil`."""
        return self._http.get(f"{self.proxy}{CONTROL}/fault").json()

    def acts(self) -> list[Act]:
        """Make a project, and return its first round, which makes everything, and one that fetches and trains."""
        place = self.stage.place
        place.mkdir(exist_ok=True)
        ask(lambda: str(demo_files(place / "files", pool=12, test=3, gold=False)), place)
        self.spoil(-1, 0, "")
        acts = []
        for number, words in enumerate((INIT_HERE, ROUND)):
            ended = self.command(*words, learn=True)
            assert ended.code == 0, ended.text
            if words is INIT_HERE:
                be_quick(place / "trial")
            else:
                self.control("answer")
            kept = self.stage.folder / f"act-{number}"
            copied(place, kept)
            acts.append(Act(("round (first)", "round (trains)")[number], kept, self.control("state")))
        for act in acts:
            self.begin(act)
            self.spoil(-1, 0, "")
            assert self.command(*ROUND, learn=True).code == 0
            act.requests = self.seen()["count"]
            act.expected = self.picture()
        return acts

    def begin(self, act: Act) -> None:
        """Put project and server back."""
        copied(act.template, self.stage.place)
        self.control("restore", act.state)

    def picture(self) -> dict[str, Any]:
        """What the project and the server hold."""
        place = self.stage.place
        state = self.control("state")
        tasks = sorted(
            (task["data"]["biorat_key"], state["projects"][str(task["project"])]["title"], sorted(_versions(task)))
            for task in state["tasks"].values()
        )
        return {
            "names": sorted(names_in(place)),
            "project": ask(lambda: the_project(place), place),
            "tasks": json.loads(json.dumps(tasks)),
            "projects": sorted(
                (one["title"], one.get("model_version") or "") for one in state["projects"].values()
            ),
        }  # fmt: skip

    def try_fault(self, act: Act, at: int, width: int, fault: str) -> tuple[dict[str, str], str]:
        """Run a round with a fault, then until it is done; return each harm, and what was spoiled."""
        self.begin(act)
        self.spoil(at, width, fault)
        ended = self.command(*ROUND)
        said = [ended.text]
        harms = message_harms(ended)
        spoiled = ", ".join(dict.fromkeys(self.seen()["spoiled"])) or "nothing"
        self.spoil(-1, 0, "")
        for _ in range(2):
            if ended.code == 0:
                break
            if ended.code != 1 or not ended.text.strip():
                harms["unclear"] = f"left with {ended.code}: {ended.text[-300:]}"
            ended = self.command(*ROUND)
            said.append(ended.text)
            harms |= message_harms(ended)
        if ended.code != 0:
            harms["unclear"] = f"without a fault it still leaves with {ended.code}: {ended.text[-300:]}"
        self.last_text = "\n".join(said)
        return harms | self.compared(act, said), spoiled

    def compared(self, act: Act, said: list[str]) -> dict[str, str]:
        """Hold project and server against an undisturbed round."""
        harms: dict[str, str] = {}
        found, expected = self.picture(), act.expected
        keys = Counter((key, title) for key, title, _ in found["tasks"])
        wanted = {(key, title) for key, title, _ in expected["tasks"]}
        doubled = sorted(str(key) for key, number in keys.items() if number > 1)
        if doubled:
            # the network can do that; then the user is told, and answers on both of them count
            later = self.command(*ROUND)
            if "more than one task" not in later.text + "".join(said):
                harms["doubled"] = f"{', '.join(doubled[:3])}, and nobody is told: {later.text[-200:]}"
        if len(found["projects"]) != len(expected["projects"]):
            if "has this project twice" not in " ".join(" ".join(said).split()):
                harms["doubled"] = f"projects, and nobody is told: {found['projects']}"
        elif found["projects"] != expected["projects"]:
            harms["silent"] = f"projects: {found['projects']}, expected {expected['projects']}"
        if missing := sorted(map(str, wanted - set(keys))):
            harms["lost"] = f"tasks missing: {missing[:3]}"
        elif not doubled and _without_doubles(found["tasks"]) != _without_doubles(expected["tasks"]):
            harms["silent"] = f"pre-annotations: {_first(expected['tasks'], found['tasks'])}"
        if found["project"] != expected["project"]:
            where = next(key for key in expected["project"] if expected["project"][key] != found["project"].get(key))
            harms["silent"] = f"{where}: {_first(expected['project'][where], found['project'][where])}"
        if extra := sorted(set(found["names"]) - set(expected["names"])):
            harms["left behind"] = ", ".join(extra[:5])
        return harms


def _versions(task: Any) -> list[str]:
    return [str(one["model_version"]) for one in task["predictions"]]


def _without_doubles(tasks: list[Any]) -> list[Any]:
    """A pre-annotation that is there twice is joined with its double."""
    return [[key, title, sorted(set(versions))] for key, title, versions in tasks]


def _first(expected: Any, found: Any) -> str:
    pairs = zip(expected, found, strict=False) if isinstance(expected, list) else [(expected, found)]
    one, other = next(((one, other) for one, other in pairs if one != other), (expected, found))
    return f"{str(one)[:150]} expected, found {str(other)[:150]}"


def places(acts: list[Act], number: int, seed: int) -> Iterator[tuple[Act, int, int, str]]:
    """Yield every fault in every request of every act, in an order that is mixed: alone, then several in a row."""
    for width in (1, 4):
        every = [(act, at, width, fault) for act in acts for at in range(act.requests) for fault in FAULTS]
        random.Random(f"network/{seed}/{width}").shuffle(every)
        yield from every[:number]


def network(ledger: Ledger, number: int, real: int, seed: int, stop: float) -> None:
    """Try faults before the fake server, and some before a real one."""
    if number:
        load_libraries()
        with ExitStack() as stack:
            stage = stack.enter_context(Stage())
            server = stack.enter_context(in_a_process(keeping_server))
            proxy = stack.enter_context(in_a_process(faulty_proxy(server)))
            _network(Network(stage, server, proxy), ledger, number, seed, stop)
    if real:
        from tests.faults.campaign.real_server import real_network

        real_network(ledger, real, seed, stop)


def _network(playing: Network, ledger: Ledger, number: int, seed: int, stop: float) -> None:
    for act, at, width, fault in places(playing.acts(), number, seed):
        named = f"{fault} in request {at}" + (f" to {at + width - 1}" if width > 1 else "")
        if ledger.tried("network") >= number or time.time() > stop:
            return
        if ledger.has("network", act.name, named):
            continue
        began = time.monotonic()
        harms, spoiled = playing.try_fault(act, at, width, fault)
        if harms:
            harms = {harm: f"{seen} [{spoiled}]" for harm, seen in harms.items()}
        ledger.add(Trial("network", act.name, named, harms, 1, time.monotonic() - began))
