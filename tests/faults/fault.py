"""What a planted fault is."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Fault:
    """A fault, and the tests that are to find it.

    :param name: what goes wrong, in a few words.
    :param file: of the package, by its path in the project.
    :param old: the text that is exchanged.
    :param new: what comes in its place.
    :param tests: as pytest takes them; one of them has to fail.
    :param postgres: whether they are tests on Postgres; such are left out elsewhere.
    :param places: how often `old` stands in the file, all of which are exchanged; None: any number from 1 on.
    :param also: further texts of the file and what comes in their places, where one does not make the fault.
    """

    name: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]
    places: int | None = 1
    postgres: bool = False
    also: tuple[tuple[str, str], ...] = ()

    @property
    def area(self) -> str:
        """The folder of the package that it is planted in."""
        return self.file.split("/")[1]
