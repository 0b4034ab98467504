"""The settings file: reading it, and writing it as TOML with a comment on each value."""

from __future__ import annotations

import tomllib
from pathlib import Path

from biorat_al.errors import SettingsError
from biorat_al.resources import resource
from biorat_al.settings.older import with_older_defaults
from biorat_al.settings.settings import Settings, make_settings

SETTINGS_FILE = "biorat.toml"


def read_settings(folder: Path) -> Settings:
    """Read the settings of the project in `folder`; a file that an older version wrote keeps its older defaults.

    :raises SettingsError: the file is missing, is not TOML, or has a value that is unknown or out of range.

    >>> from pathlib import Path
    >>> from biorat_al import read_settings
    >>> _ = Path("biorat.toml").write_text('name = "trial"\\n[[entities]]\\nname = "Disease"\\n', encoding="utf-8")
    >>> read_settings(Path(".")).labels
    ('Disease',)
    """
    path = folder / SETTINGS_FILE
    try:
        # some editors begin a file with a byte order mark
        values = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise SettingsError(f"{path} is missing: this is not a project folder") from None
    except UnicodeDecodeError as error:
        raise SettingsError(f"{path} is not UTF-8 (byte {error.start}); save it as UTF-8") from None
    except RecursionError:
        raise SettingsError(f"{path} is nested too deep; the settings have tables and lists of one level") from None
    except tomllib.TOMLDecodeError as error:
        hint = "; text needs quotes" if str(error).startswith("Invalid value") else ""
        raise SettingsError(f"{path} is not valid TOML: {error}{hint}") from None
    except ValueError:
        raise SettingsError(f"{path} is not valid TOML: a number in it has thousands of digits") from None
    return make_settings(with_older_defaults(values), str(path))


def settings_text(settings: Settings) -> str:
    """Return the content of the settings file for `settings`, with a comment on each value."""
    import jinja2  # slow to import, and most commands write no settings

    environment = jinja2.Environment(
        undefined=jinja2.StrictUndefined, keep_trailing_newline=True, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["toml"] = _toml_value
    template = environment.from_string(resource("templates/biorat.toml.j2").read_text(encoding="utf-8"))
    return template.render(settings=settings)


def _toml_value(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return repr(value)
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(_toml_value(item) for item in value) + "]"
    text = str(value)
    escaped = "".join(
        {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}.get(c)
        or (f"\\u{ord(c):04x}" if ord(c) < 32 or ord(c) == 127 else c)
        for c in text
    )
    return f'"{escaped}"'
