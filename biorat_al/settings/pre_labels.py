"""Settings for pre-labels that no model of the project makes: files with predictions, and dictionaries."""

from __future__ import annotations

from biorat_al.settings.base import Name, Place, SettingsPart


class PreLabelFile(SettingsPart):
    """Predictions of anything else for documents of the project, as ``init --pre-labels`` copied them.

    :param file: the copy, relative to the project's folder.
    :param name: name of the file or folder that it came from.
    :param sha256: digest of the copy, by which a changed file is recognised; None: not recorded.
    """

    file: Place
    name: Name
    sha256: Name | None = None


class Dictionary(SettingsPart):
    """A list of names that are marked where they occur, as ``init --dictionary`` copied it.

    :param file: the copy, relative to the project's folder: tab-separated (name, identifier) or OBO.
    :param name: name of the file that it came from.
    :param label: the project's label of its names.
    :param sha256: digest of the copy, by which a changed file is recognised; None: not recorded.
    """

    file: Place
    name: Name
    label: Name
    sha256: Name | None = None
