"""Label Studio's own environment: installed once, again after an interruption, and never over somebody else's."""

from __future__ import annotations

import base64
import hashlib
import zipfile
from pathlib import Path

import pytest

from biorat_al.desk.labelstudio.local_server.installation import VERSION, Installation
from biorat_al.errors import DeskError
from biorat_al.progress import SILENT


def _wheel(folder: Path) -> None:
    """A wheel of the right name and version with a program of the right name, and nothing else."""
    info = f"label_studio-{VERSION}.dist-info"
    files = {
        "label_studio/__init__.py": "def main(): print('label studio')\n",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: label-studio\nVersion: {VERSION}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/entry_points.txt": "[console_scripts]\nlabel-studio = label_studio:main\n",
    }
    lines = []
    with zipfile.ZipFile(folder / f"label_studio-{VERSION}-py3-none-any.whl", "w") as wheel:
        for name, text in files.items():
            wheel.writestr(name, text)
            digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
            lines.append(f"{name},sha256={digest},{len(text)}")
        wheel.writestr(f"{info}/RECORD", "\n".join([*lines, f"{info}/RECORD,,"]))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where to install, with nothing but one wheel to be had."""
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    _wheel(wheels)
    monkeypatch.delenv("BIORAT_LABEL_STUDIO_VENV", raising=False)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(wheels))
    return tmp_path / "venv"


@pytest.mark.slow
def test_it_is_installed_once_and_again_after_an_interruption(folder: Path) -> None:
    installation = Installation(folder)
    assert installation.version() is None
    assert installation.install(SILENT) == VERSION
    assert installation.require() == VERSION
    stamp = installation.program.stat().st_mtime_ns
    assert Installation(folder).install() == VERSION
    assert installation.program.stat().st_mtime_ns == stamp
    # as if it had been cut off before the end: everything looks well, but may be half of it
    (folder / "installed-by-biorat-al").write_text("")
    (folder / "left-over").touch()
    assert installation.version() is None
    with pytest.raises(DeskError, match="not installed"):
        installation.require()
    assert installation.install() == VERSION
    assert not (folder / "left-over").exists()


@pytest.mark.slow
def test_what_cannot_be_installed_is_told_and_can_be_repeated(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    links = str(folder.parent / "wheels")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder.parent))
    with pytest.raises(DeskError, match=rf"Label Studio {VERSION} could not be installed: .*No matching distribution"):
        Installation(folder).install()
    assert Installation(folder).version() is None
    monkeypatch.setenv("PIP_FIND_LINKS", links)
    assert Installation(folder).install() == VERSION


def test_a_folder_with_something_else_in_it_is_left_alone(folder: Path) -> None:
    folder.mkdir()
    (folder / "thesis.tex").write_text("irreplaceable")
    with pytest.raises(DeskError, match="something else"):
        Installation(folder).install()
    assert (folder / "thesis.tex").read_text() == "irreplaceable"


def test_an_environment_of_somebody_else_is_used_as_it_is(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    theirs = tmp_path / "theirs"
    (theirs / "bin").mkdir(parents=True)
    (theirs / "bin" / "label-studio").touch()
    (theirs / "lib" / "python3.11" / "site-packages" / "label_studio-1.99.0.dist-info").mkdir(parents=True)
    (theirs / "lib" / "python3.11" / "site-packages" / "label_studio_sdk-2.1.2.dist-info").mkdir()
    monkeypatch.setenv("BIORAT_LABEL_STUDIO_VENV", str(theirs))
    installation = Installation(folder)
    assert installation.folder == theirs
    assert installation.install() == "1.99.0"
    assert not folder.exists()
