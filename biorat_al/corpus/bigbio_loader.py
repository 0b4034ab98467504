"""The loading module that BigBio's own layout has beside its ``bigbiohub.py``.

``datasets`` needs none for an exported folder, and since its version 4 refuses modules; BigBio's own checker asks for
one that declares tasks, languages and licence. So it lies in a folder of its own, from where it is put at the top of a
copy of the corpus, beside ``bigbiohub.py``.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from biorat_al.corpus.bigbio_card import DATA, SOURCE, BigBioSummary, CardDetails, SplitSummary, render

_TASKS: dict[str, Callable[[SplitSummary], object]] = {
    "NAMED_ENTITY_RECOGNITION": lambda split: split.mentions,
    "NAMED_ENTITY_DISAMBIGUATION": lambda split: split.linked_mentions,
    "RELATION_EXTRACTION": lambda split: split.relations and split.mentions,
    "EVENT_EXTRACTION": lambda split: split.events,
    "COREFERENCE_RESOLUTION": lambda split: split.coreferences and split.mentions,
}
"""What every split must have something of for the corpus to serve a task, by BigBio's names of tasks."""

_LANGUAGES = {
    "de": "German", "en": "English", "es": "Spanish", "fr": "French", "it": "Italian", "ja": "Japanese",
    "nl": "Dutch", "pt": "Portuguese", "ru": "Russian", "sv": "Swedish", "zh": "Chinese",
}  # fmt: skip
"""BigBio names languages in full."""


def supported_tasks(summary: BigBioSummary) -> list[str]:
    """The tasks that every split serves."""
    return [task for task, found in _TASKS.items() if all(map(found, summary.splits.values()))]


def loading_module(summary: BigBioSummary, details: CardDetails) -> str:
    """The module's text."""
    words = re.findall(r"[A-Za-z0-9]+", summary.name)
    return render(
        "bigbio_loader.py.j2",
        summary=summary,
        title=details.title or summary.name,
        description=details.description,
        license=details.license or "",
        languages=[_LANGUAGES.get(language, language) for language in details.languages],
        tasks=supported_tasks(summary),
        class_name="".join(word[0].upper() + word[1:] for word in ("corpus", *words)),
        data=DATA,
        source=SOURCE,
    )
