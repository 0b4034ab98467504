"""Settings for how this machine is used."""

from __future__ import annotations

from biorat_al.settings.base import SettingsPart


class ComputingSettings(SettingsPart):
    """How a round uses this machine. With a GPU, nothing here counts.

    :param side_by_side: on a CPU, train the members of the committee side by side, each in a process with its share of
        the threads, if the machine has the memory for it.
    """

    side_by_side: bool = True
