"""A folder that is there with all that belongs into it, or not at all."""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from pathlib import Path
from types import TracebackType

from biorat_al.errors import ProjectError
from biorat_al.settings import SETTINGS_FILE


class NewFolder:
    """A folder that is filled under a temporary name and gets its own at the end; removed if anything fails.

    A folder that is there already stays the same one, since somebody may stand in it: what was made is moved into it.
    """

    def __init__(self, place: Path) -> None:
        self.place = place
        self._was_there = place.is_dir()
        name = f".{place.name}.init-{os.getpid()}"
        self.staging = place / name if self._was_there else place.with_name(name)
        self._new_parents = [parent for parent in place.parents if not parent.exists()]
        self._moved: list[Path] = []
        self._published = False

    def publish(self) -> None:
        """Give the folder its name."""
        if self._published:
            return
        if self._was_there:
            # the settings last: they make the folder a project
            for child in sorted(self.staging.iterdir(), key=lambda path: path.name == SETTINGS_FILE):
                self._moved.append(child.rename(self.place / child.name))
            self.staging.rmdir()
        else:
            self.staging.rename(self.place)
        self._published = True

    def __enter__(self) -> NewFolder:
        try:
            self.staging.mkdir(parents=True)
        except OSError as error:
            self._remove()
            raise self._cannot(error) from None
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            self._remove()
            return
        try:
            self.publish()
        except OSError as problem:
            self._remove()
            raise self._cannot(problem) from None

    def _cannot(self, error: OSError) -> ProjectError:
        return ProjectError(f"the folder {self.place} cannot be made: {error.strerror}; name another one")

    def _remove(self) -> None:
        shutil.rmtree(self.staging, ignore_errors=True)
        if self._published and not self._was_there:
            shutil.rmtree(self.place, ignore_errors=True)
        for path in self._moved:
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)
        for parent in self._new_parents:
            with suppress(OSError):
                parent.rmdir()
