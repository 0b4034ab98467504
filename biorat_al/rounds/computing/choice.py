"""Where a round computes: on this machine, or on a Ray cluster if the user asks for one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from biorat_al.progress import Progress
from biorat_al.rounds.computing.compute import Compute
from biorat_al.settings import Settings
from biorat_al.store.store import Store


@contextmanager
def chosen_compute(settings: Settings, store: Store, ray: str | None, progress: Progress) -> Iterator[Compute | None]:
    """Return where a project's round computes, connected for the time of the round; None: on this machine.

    :param ray: address of a Ray cluster; empty: that of the settings, or else Ray on this machine. None: without Ray.
    :raises ClusterError: the cluster does not answer, or a node lacks something.
    """
    if ray is None:
        yield None
        return
    # only here is the learner needed before the round begins
    from biorat_al.rounds.computing.on_ray import on_cluster

    with on_cluster(settings, store, ray or None, progress) as compute:
        yield compute
