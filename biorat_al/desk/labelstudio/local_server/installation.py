"""Label Studio's virtual environment.

Label Studio has many exactly pinned dependencies, so it never shares an environment with anything else.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from biorat_al.errors import DeskError
from biorat_al.progress import SILENT, Progress

VERSION = "1.23.2"
"""The version that :meth:`Installation.install` installs, and with which everything here was tested."""

VENV_VARIABLE = "BIORAT_LABEL_STUDIO_VENV"

_SIZE = "about 1 GB"


class Installation:
    """A virtual environment with Label Studio in it.

    A file in it records how far our installation has come. Without that file the environment belongs to somebody else
    and is used as it is.

    :param folder: folder of the environment, which need not exist yet; the environment variable
        ``BIORAT_LABEL_STUDIO_VENV`` overrides it.
    """

    def __init__(self, folder: Path) -> None:
        named = os.environ.get(VENV_VARIABLE)
        self.folder = Path(named).expanduser().absolute() if named else folder

    @property
    def program(self) -> Path:
        """Path of the server's program."""
        return self.folder / "bin" / "label-studio"

    @property
    def _mark(self) -> Path:
        return self.folder / "installed-by-biorat-al"

    def version(self) -> str | None:
        """Return the installed version, or None if Label Studio is not installed, or only in part."""
        if not self.program.exists() or (self._mark.exists() and not self._mark.read_text().strip()):
            return None
        for found in self.folder.glob("lib/python*/site-packages/label_studio-*.dist-info"):
            return found.name.removeprefix("label_studio-").removesuffix(".dist-info")
        return None

    def require(self) -> str:
        """Return the installed version.

        :raises DeskError: Label Studio is not installed.
        """
        version = self.version()
        if version is None:
            raise DeskError(
                f"Label Studio is not installed in {self.folder}: run `biorat-al label-studio start`, which installs "
                f"it ({_SIZE}), or set LABEL_STUDIO_URL and LABEL_STUDIO_API_KEY to use an existing server"
            )
        return version

    def install(self, progress: Progress = SILENT) -> str:
        """Install Label Studio unless it is installed, and return its version.

        It first deletes what an interrupted call left behind.

        :raises DeskError: the package could not be installed, or the folder is in use for something else.
        """
        version = self.version()
        if version is not None and (version == VERSION or not self._mark.exists()):
            return version
        if self.folder.exists() and any(self.folder.iterdir()) and not self._mark.exists():
            raise DeskError(f"{self.folder} contains no Label Studio but something else: name another folder")
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        self._mark.touch()
        with progress.bar(f"Installing Label Studio {VERSION} ({_SIZE})", unit="package") as bar:
            self._run([sys.executable, "-m", "venv", str(self.folder)])
            pip = [str(self.folder / "bin" / "python"), "-m", "pip", "install", "--disable-pip-version-check"]
            process = subprocess.Popen(
                [*pip, "--no-input", "--progress-bar", "off", f"label-studio=={VERSION}"],
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                env=_environment(),
            )  # fmt: skip
            last: list[str] = []
            assert process.stdout is not None
            for line in process.stdout:
                last = [*last[-4:], line.strip()]
                if line.startswith("Collecting"):
                    bar.advance()
                    bar.note(line.split()[1])
                elif line.startswith("Installing collected"):
                    bar.note("unpacking")
            if process.wait() != 0:
                raise DeskError(f"Label Studio {VERSION} could not be installed: {' / '.join(last)}")
        self._mark.write_text(f"{VERSION}\n", encoding="utf-8")
        return self.require()

    def _run(self, command: list[str]) -> None:
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=_environment())
        if done.returncode != 0:
            last = " / ".join((done.stdout + done.stderr).strip().splitlines()[-3:])
            raise DeskError(f"no virtual environment could be made in {self.folder}: {last}")


def _environment() -> dict[str, str]:
    """Return this process's environment without the variables that would mislead another Python interpreter."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "VIRTUAL_ENV"))}
