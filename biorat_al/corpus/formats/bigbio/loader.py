"""The loading module that BigBio's own layout has beside its ``bigbiohub.py``.

``datasets`` needs no module for an exported folder, and refuses modules since version 4. But BigBio's own checker asks
for a module that declares tasks, languages and licence. So it is written to a separate folder. To use it, put it at the
top of a copy of the corpus, beside ``bigbiohub.py``.
"""

from __future__ import annotations

import re

from biorat_al.corpus.formats.bigbio.card import DATA, SOURCE, render
from biorat_al.corpus.formats.bigbio.details import BigBioSummary, CardDetails
from biorat_al.corpus.formats.bigbio.metadata import language_name, supported_tasks


def loading_module(summary: BigBioSummary, details: CardDetails) -> str:
    """Return the text of the module."""
    words = re.findall(r"[A-Za-z0-9]+", summary.name)
    return render(
        "bigbio_loader.py.j2",
        summary=summary,
        title=details.title or summary.name,
        description=details.description,
        license=details.license or "",
        languages=[language_name(language) for language in details.languages],
        homepage=details.homepage,
        citation=details.citation,
        pubmed=summary.looks_like_pubmed and not details.invented,
        tasks=supported_tasks(summary),
        class_name="".join(word[0].upper() + word[1:] for word in ("corpus", *words)),
        data=DATA,
        source=SOURCE,
    )
