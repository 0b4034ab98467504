"""The loading module that BigBio's own layout has beside its ``bigbiohub.py``.

``datasets`` needs none for an exported folder, and since its version 4 refuses modules; BigBio's own checker asks for
one that declares tasks, languages and licence. So it lies in a folder of its own, from where it is put at the top of a
copy of the corpus, beside ``bigbiohub.py``.
"""

from __future__ import annotations

import re

from biorat_al.corpus.formats.bigbio.card import DATA, SOURCE, BigBioSummary, CardDetails, render
from biorat_al.corpus.formats.bigbio.metadata import language_name, supported_tasks


def loading_module(summary: BigBioSummary, details: CardDetails) -> str:
    """The module's text."""
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
