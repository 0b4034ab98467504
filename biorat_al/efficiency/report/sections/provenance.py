"""The section with what is needed to repeat the runs."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from biorat_al.efficiency.report.changes import by_rounds
from biorat_al.efficiency.report.tables import Cell, FigureTable, Section
from biorat_al.efficiency.runs.changed_settings import flat_settings
from biorat_al.efficiency.runs.model import Run

_IN_OTHER_TABLES = ("models", "settings", "changed_settings")
"""Parts of a run's provenance that are shown in separate tables."""


def provenance_section(runs: Sequence[Run], facts: Mapping[str, Any]) -> Section:
    """Return the section with what is needed to repeat the runs: versions, seeds, settings, hashes.

    :param facts: further facts, beyond those of the runs.
    """
    rows: list[dict[str, Cell]] = []
    for run in runs:
        models = run.provenance.get("models") or [{}]
        rows.append(
            {
                "run": run.id,
                "kind": run.kind,
                "arm": run.arm,
                "strategy": run.strategy,
                "seed": run.seed,
                "selected": run.selected_by or "itself",
                "points": len(run.points),
                "model": str(models[-1].get("version") or ""),
                "weights": str(models[-1].get("weights_sha256") or "")[:16],
                "data": str(models[-1].get("training_data_sha256") or "")[:16],
            }
        )
    columns = {
        "run": "run",
        "kind": "kind",
        "arm": "arm",
        "strategy": "strategy",
        "seed": "seed",
        "selected": "documents chosen by",
        "points": "models",
        "model": "last model",
        "weights": "its weights (sha256)",
        "data": "its training data (sha256)",
    }
    shared: dict[str, list[str]] = {}
    for run in runs:
        shown = {name: run.provenance[name] for name in run.provenance if name not in _IN_OTHER_TABLES}
        for name, value in flat_settings(shown).items():
            for text in map(_as_text, value if isinstance(value, list) else [value]):
                if text not in shared.setdefault(name, []):
                    shared[name].append(text)
    known: list[dict[str, Cell]] = [{"fact": name, "value": _as_text(value)} for name, value in facts.items()]
    known += [
        {"fact": name.replace("_", " ").replace(".", ": "), "value": value}
        for name, values in shared.items()
        for value in values
    ]
    note = "The first 16 digits of each hash; all of them, and every setting of every run, are in the file runs.jsonl."
    tables = [FigureTable("facts", "Program, machine and data", {"fact": "what", "value": "value"}, known, "")]
    if runs:
        differ = "Where the runs differ, each value once; where rounds differ, each value with its rounds."
        named = {"setting": "setting", "value": "value"}
        tables += [
            FigureTable("settings", "Settings", named, _settings(runs), differ, folded=True),
            FigureTable("runs", "Runs", columns, rows, note, folded=True),
        ]
    return Section("provenance", "Where this comes from", tables=tables)


def _settings(runs: Sequence[Run]) -> list[dict[str, Cell]]:
    """Return the rows of the table of settings: each setting with the values that the runs had."""
    found: dict[str, dict[str, None]] = {}
    for run in runs:
        changed = run.provenance.get("changed_settings") or {}
        for name, value in flat_settings(run.provenance.get("settings") or {}).items():
            text = by_rounds(changed[name]) if name in changed else json.dumps(value, ensure_ascii=False)
            found.setdefault(name, {})[text] = None
    return [{"setting": name, "value": "; ".join(values)} for name, values in found.items()]


def _as_text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True)
