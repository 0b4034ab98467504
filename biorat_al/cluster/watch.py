"""Whether a cluster still has a node on which a task fits, while tasks wait or run."""

from __future__ import annotations

import time

from biorat_al.cluster.connection import Connected
from biorat_al.cluster.needs import TaskNeeds
from biorat_al.errors import ClusterError

_EVERY, _ALONE_FOR = 10.0, 60.0
"""Seconds between two looks at the nodes, and for how long there may be none on which a task fits."""


class NodeWatch:
    """Looks from time to time whether there still is a node on which a task fits: without one, Ray waits without end.

    :param needs: what each task asks for.
    """

    def __init__(self, connection: Connected, needs: TaskNeeds) -> None:
        self._connection = connection
        self._needs = needs
        self._seen = self._looked = time.monotonic()

    def look(self) -> None:
        """Look at the nodes, unless the last look was a moment ago; call it often.

        :raises ClusterError: there has been none for a minute.
        """
        now = time.monotonic()
        if now - self._looked < _EVERY:
            return
        self._looked = now
        nodes = self._connection.ray.nodes()
        if any(node["Alive"] and self._needs.lacking(node["Resources"]) is None for node in nodes):
            self._seen = now
        elif now - self._seen > _ALONE_FOR:
            raise ClusterError(
                f"no node of {self._connection.place} is left on which a task fits; add one, and run the same command "
                "again: it goes on where it stopped"
            )
