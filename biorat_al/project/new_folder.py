"""A new project's folder, which appears complete or not at all.

It is filled under a temporary name and then moved. A file in it, the intent, says what is being moved and for which
project. The intent is removed when both the folder and the database have the project (the confirmation). After a kill,
the next `init` finds the intent, and either confirms or removes what was moved.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path
from types import TracebackType
from typing import Any

from biorat_al.claims import claimed, is_alive, note_finished, this_host, uninterrupted
from biorat_al.disk import cause, is_full
from biorat_al.errors import BioratError, LockedError, ProjectError
from biorat_al.settings import SETTINGS_FILE

INTENT = ".biorat-init.json"
_DRAFT = f"{INTENT}.draft"

IsComplete = Callable[[Path, str], bool]
"""A function that says whether the database of the project in a folder holds the project with a uid."""


class NewFolder:
    """A folder that is filled under a temporary name and renamed at the end, or removed if anything fails.

    A folder that already exists is kept, since it may be somebody's working directory: the content is moved into it.

    :param is_complete: says whether an `init` that was killed in a folder had made its project.
    """

    def __init__(self, place: Path, is_complete: IsComplete) -> None:
        self.place = place
        self._is_complete = is_complete
        self._was_there = place.is_dir()
        name = f".{place.name}.init-{this_host()}-{os.getpid()}"
        self.staging = place / name if self._was_there else place.with_name(name)
        self._moved: list[Path] = []
        self._published = False
        self._uid = ""
        self._stack = ExitStack()

    def publish(self, uid: str) -> None:
        """Give the folder its final name. From here on signals wait until the project is confirmed or removed.

        :param uid: uid of the project in the database.
        :raises ProjectError: a file of the same name has appeared there, or the folder cannot be written.
        """
        if self._published:
            return
        self._stack.enter_context(uninterrupted())
        try:
            self._publish(uid)
        except OSError as problem:
            raise self._cannot(problem) from None
        self._published, self._uid = True, uid

    def _publish(self, uid: str) -> None:
        """Write the intent, then move the content or the whole folder."""
        # the settings go last: they make the folder a project
        names = sorted((path.name for path in self.staging.iterdir()), key=lambda name: name == SETTINGS_FILE)
        intent = json.dumps({"uid": uid, "names": names, "folder_was_there": self._was_there})
        if self._was_there:
            self._moved += [self.place / _DRAFT, self.place / INTENT]
            _write(self.place / INTENT, intent)
            for name in names:
                if (self.place / name).exists():
                    raise ProjectError(f"{self.place / name} has appeared meanwhile; choose another folder")
                # known before it is done: an interruption may come right after it
                self._moved.append(self.place / name)
                try:
                    (self.staging / name).rename(self.place / name)
                except OSError:
                    self._moved.pop()
                    raise
            self.staging.rmdir()
        else:
            _write(self.staging / INTENT, intent)
            self.staging.rename(self.place)

    def __enter__(self) -> NewFolder:
        try:
            self._stack.enter_context(claimed(self.place, force=False, parents=True))
            check_new(self.place)
            self._recover()
            self.staging.mkdir(parents=True)
        except OSError as error:
            self._remove()
            self._stack.close()
            raise self._cannot(error) from None
        except BaseException:
            self._remove()
            self._stack.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # first the signals that have waited are heard, then the claim goes
        with self._stack, uninterrupted():
            complete = error is None or self._was_committed()
            if complete is None:
                return  # as after a kill: the next command asks the database
            if not complete:
                self._remove()
                return
            confirm(self.place)
            note_finished(f"{self.place} is a complete project; go on there with: biorat-al round")

    def _was_committed(self) -> bool | None:
        """Return whether the database has the project, although the command failed; None if it does not answer.

        A server may have committed before the connection to it was cut.
        """
        if not self._published:
            return False
        try:
            return self._is_complete(self.place, self._uid)
        except BioratError:
            return None

    def _cannot(self, error: OSError) -> ProjectError:
        """Return the error for a folder that the system does not create or write."""
        advice = "" if is_full(error) else "; name another one"
        return ProjectError(f"the folder {self.place} cannot be made: {cause(error, self.place)}{advice}")

    def _recover(self) -> None:
        """Remove what a killed `init` left here, unless it had already made the project.

        :raises ProjectError: it had.
        """
        for staging in _stagings(self.place):
            shutil.rmtree(staging, ignore_errors=True)
        with suppress(OSError):
            (self.place / _DRAFT).unlink()
        intent = _intent(self.place)
        if intent is None:
            return
        if (self.place / SETTINGS_FILE).is_file() and self._is_complete(self.place, intent["uid"]):
            confirm(self.place)
            raise ProjectError(
                f"{self.place} is a complete project: the init that was cut off had made it; go on there with: "
                "biorat-al round"
            )
        for name in intent["names"]:
            _remove(self.place / name)
        confirm(self.place)
        if not intent["folder_was_there"]:
            with suppress(OSError):
                self.place.rmdir()
        self._was_there = self.place.is_dir()
        self.staging = self.place / self.staging.name if self._was_there else self.place.with_name(self.staging.name)

    def _remove(self) -> None:
        """Remove everything that was created or moved."""
        shutil.rmtree(self.staging, ignore_errors=True)
        if self._published and not self._was_there:
            shutil.rmtree(self.place, ignore_errors=True)
        for path in self._moved:
            _remove(path)


def check_new(place: Path) -> None:
    """Refuse a folder that holds anything other than what a killed `init` left.

    :raises ProjectError: the folder holds something else, or is a file.
    """
    if not place.exists() and not place.is_symlink():
        return
    if place.is_dir():
        intent = _intent(place)
        ours = {INTENT, _DRAFT, *(intent["names"] if intent is not None else ())}
        foreign = {path for path in place.iterdir() if path.name not in ours} - set(_stagings(place))
        if not foreign:
            return
    # a process that was killed at the very end has left its claim
    with suppress(LockedError), claimed(place, force=False):
        pass
    if (place / SETTINGS_FILE).is_file() and _intent(place) is None:
        raise ProjectError(
            f"{place} already exists: it is a complete project; go on there with: biorat-al round, or choose another "
            "name for a new one"
        )
    raise ProjectError(f"{place} already exists; choose another name, or remove it first")


def check_finished(place: Path, is_complete: IsComplete) -> None:
    """Confirm a project whose `init` was killed after it had made the project.

    :raises ProjectError: the `init` was killed earlier.
    """
    intent = _intent(place)
    if intent is None:
        return
    if not is_complete(place, intent["uid"]):
        raise ProjectError(
            f"the init of {place} was cut off before the project was in its database; run the same biorat-al init "
            "again, it starts from scratch"
        )
    confirm(place)


def confirm(place: Path) -> None:
    """Record that the folder and the database both have the project."""
    with uninterrupted(), suppress(OSError):
        (place / INTENT).unlink()


def _stagings(place: Path) -> list[Path]:
    """Return the half-filled folders of processes of this machine that have ended."""
    pattern = re.compile(rf"\.{re.escape(place.name)}\.init-{this_host()}-([0-9]+)")
    stagings = []
    for folder in (place, place.parent):
        with suppress(OSError):
            for path in folder.iterdir():
                match = pattern.fullmatch(path.name)
                if match is not None and (int(match[1]) == os.getpid() or not is_alive(int(match[1]))):
                    stagings.append(path)
    return stagings


def _intent(place: Path) -> dict[str, Any] | None:
    """Return the intent in a folder; None if there is no valid one."""
    try:
        values = json.loads((place / INTENT).read_text(encoding="utf-8"))
        names = [str(name) for name in values["names"]]
        if any(Path(name).name != name for name in names):
            return None
        return {"uid": str(values["uid"]), "names": names, "folder_was_there": bool(values["folder_was_there"])}
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _write(path: Path, text: str) -> None:
    """Write the intent under a temporary name and rename it."""
    draft = path.with_name(_DRAFT)
    draft.write_text(text, encoding="utf-8")
    draft.replace(path)


def _remove(path: Path) -> None:
    """Remove a file or a folder."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
