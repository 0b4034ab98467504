"""The faults of the network before a real Label Studio, whose state cannot be put back: it is made anew each time."""

from __future__ import annotations

import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.faults.campaign.faulty_proxy import faulty_proxy
from tests.faults.campaign.ledger import Ledger, Trial
from tests.faults.campaign.network import INIT_HERE, Act, Network, places
from tests.faults.campaign.processes import ask, copied, load_libraries
from tests.faults.campaign.scenes import ENVIRONMENT, ROUND, Stage
from tests.faults.campaign.secret_words import shown_in
from tests.faults.campaign.server import in_a_process
from tests.support.commands import be_quick
from tests.support.labelstudio import RunningLabelStudio, drawn, make_server
from tests.support.rounds import demo_files

_ANSWERED = "answered"


class RealNetwork(Network):
    """A real server, a proxy before it, and rounds in which one request is spoiled."""

    def __init__(self, stage: Stage, real: RunningLabelStudio, proxy: str) -> None:
        super().__init__(stage, real.url, proxy)
        self.environment = {**ENVIRONMENT, "LABEL_STUDIO_URL": proxy, "LABEL_STUDIO_API_KEY": real.token}
        self._annotator = real.annotator()

    def acts(self) -> list[Act]:
        """Make a project; its first round makes everything on the server, its second fetches answers and trains."""
        place = self.stage.place
        place.mkdir(exist_ok=True)
        ask(lambda: str(demo_files(place / "files", pool=12, test=3, gold=False)), place)
        ended = self.command(*INIT_HERE, learn=True)
        assert ended.code == 0, ended.text
        be_quick(place / "trial")
        kept = self.stage.folder / "act"
        copied(place, kept)
        acts = [Act("round (first)", kept, None), Act("round (trains)", kept, _ANSWERED)]
        for act in acts:
            self.begin(act)
            ended = self.command(*ROUND, learn=True)
            assert ended.code == 0, ended.text
            act.requests = self.seen()["count"]
            act.expected = self.picture()
        return acts

    def begin(self, act: Act) -> None:
        """Put the project back; take away what the server has, and make it again."""
        for ident in self.control("state")["projects"]:
            self._annotator.request("DELETE", f"/api/projects/{ident}/")
        copied(act.template, self.stage.place)
        self.spoil(-1, 0, "")
        if act.state == _ANSWERED:
            ended = self.command(*ROUND, learn=True)
            assert ended.code == 0, ended.text
            for ident, task in self.control("state")["tasks"].items():
                text = task["data"]["text"]
                self._annotator.submit(ident, [drawn(text, 0, len(text.split()[0]), "Chemical")])
            self.spoil(-1, 0, "")

    def control(self, what: str, body: Any = None) -> Any:
        """Return what the server has, as the fake one says it."""
        assert what == "state"
        listed = self._annotator.request("GET", "/api/projects/?page_size=100")["results"]
        projects = {str(one["id"]): self._annotator.project(str(one["id"])) for one in listed}
        tasks: dict[str, Any] = {}
        for ident in projects:
            page = self._annotator.request("GET", f"/api/tasks/?project={ident}&page_size=500&fields=all")
            tasks |= {str(task["id"]): {**task, "project": ident} for task in page["tasks"]}
        return {"projects": projects, "tasks": tasks}


def real_network(ledger: Ledger, number: int, seed: int, stop: float) -> None:
    """Try faults before a real Label Studio; nothing where it is not installed."""
    load_libraries()
    with ExitStack() as stack:
        home = stack.enter_context(tempfile.TemporaryDirectory())
        try:
            server = make_server(Path(home))
        except pytest.skip.Exception as missing:
            print(missing)
            return
        stack.callback(server.stop)
        server.start()
        real = RunningLabelStudio(server)
        stage = stack.enter_context(Stage())
        proxy = stack.enter_context(in_a_process(faulty_proxy(real.url)))
        playing = RealNetwork(stage, real, proxy)
        for act, at, width, fault in places(playing.acts(), number, seed):
            named = f"{fault} in request {at}" + (f" to {at + width - 1}" if width > 1 else "")
            if ledger.tried("Label Studio") >= number or time.time() > stop:
                return
            if ledger.has("Label Studio", act.name, named):
                continue
            began = time.monotonic()
            harms, spoiled = playing.try_fault(act, at, width, fault)
            if shown := shown_in(playing.last_text, real.token):
                harms["secrets"] = shown
            harms = {harm: f"{seen} [{spoiled}]" for harm, seen in harms.items()}
            ledger.add(Trial("Label Studio", act.name, named, harms, 1, time.monotonic() - began))
