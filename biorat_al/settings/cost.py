"""Settings for the price of annotation."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from biorat_al.settings.base import SettingsPart

Seconds = Annotated[float, Field(ge=0, le=86_400)]


class CostSettings(SettingsPart):
    """Seconds of an annotator for each unit of work. A price that is written here is used as it is.

    What is unset is taken from published studies at first, and fitted to the times that the desk records as answers
    come; ``biorat-al status`` shows the prices in use. They count for hours in status, forecasts and reports, and for
    the choice of documents with ``per = "hour"``.

    :param words: seconds per word read.
    :param added: seconds per mention that the annotator adds.
    :param changed: seconds per pre-label that gets another label or other borders.
    :param removed: seconds per pre-label that is removed.
    :param confirmed: seconds per pre-label that is left as it is.
    :param tasks: seconds per task, for opening and submitting it.
    """

    words: Seconds | None = None
    added: Seconds | None = None
    changed: Seconds | None = None
    removed: Seconds | None = None
    confirmed: Seconds | None = None
    tasks: Seconds | None = None
