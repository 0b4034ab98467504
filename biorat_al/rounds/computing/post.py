"""What workers on a cluster send to the process that the user started, and what they ask it for."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


class Post:
    """An actor on the node of the user's process, which carries messages one way and documents the other.

    A worker asks for a chunk of documents when it has nothing to do. So the chunks in memory are those that are being
    predicted, however large the pool is, and a chunk that was lost with its worker is asked for again.
    """

    def __init__(self) -> None:
        self._news: list[tuple[str, str, int | None]] = []
        self._asked: list[int] = []
        self._waiting: dict[int, list[asyncio.Future[list[Any]]]] = {}
        self._something = asyncio.Event()
        self._model: Any = None

    async def tell(self, name: str, text: str, percent: int | None) -> None:
        """Take a message of a worker, as :data:`~biorat_al.rounds.computing.messages.Send` sends it."""
        self._news.append((name, text, percent))

    async def news(self) -> list[tuple[str, str, int | None]]:
        """Return the messages since the last call."""
        news, self._news = self._news, []
        return news

    async def keep(self, model: list[Any]) -> None:
        """Keep the reference to a packed model, in a list so that Ray does not fetch it."""
        self._model = model

    async def model(self) -> list[Any]:
        """Return the reference to the packed model, in a list."""
        return list(self._model)

    async def ask(self, place: int) -> list[Any]:
        """Return the reference to a chunk of documents, in a list, once the user's process has given it.

        :param place: the chunk's place in the pool.
        """
        future = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(place, []).append(future)
        self._asked.append(place)
        self._something.set()
        found: list[Any] = await future
        return found

    async def asked(self, seconds: float) -> list[int]:
        """Return the places of the chunks that were asked for since the last call, after at most this many seconds."""
        if not self._asked and seconds:
            self._something.clear()
            try:
                await asyncio.wait_for(self._something.wait(), seconds)
            except TimeoutError:
                return []
        asked, self._asked = self._asked, []
        return asked

    async def give(self, place: int, documents: list[Any]) -> None:
        """Give the reference to a chunk of documents, in a list, to all workers that have asked for it."""
        for future in self._waiting.pop(place, ()):
            if not future.done():
                future.set_result(documents)


@contextmanager
def post_office(ray: Any) -> Iterator[Any]:
    """Start a :class:`Post` on this process's node; end it, and with it all that waits for it, at the end.

    :param ray: the module `ray`, connected to a cluster.
    """
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
    post = ray.remote(Post).options(num_cpus=0, scheduling_strategy=here).remote()
    try:
        yield post
    finally:
        ray.kill(post)
