"""The folder of a committee: one JSON file that names its members, whose folders are beside it, and how it calibrates.

The sha256 of the file identifies the committee's behaviour, because the file holds the digests of its members' weights.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from biorat_al.disk import cause
from biorat_al.errors import LearnerError
from biorat_al.learner.encoder.saved_model import is_intact, placing, sha256_of, write_flushed
from biorat_al.learner.scaling import Scaling
from biorat_al.learner.types import TrainedModel

COMMITTEE_FILE = "committee.json"
_FORMAT = 1


@dataclass(frozen=True, slots=True)
class Member:
    """One model of a committee.

    :param arm: how it was trained.
    :param version: its version, and the name of its folder beside that of the committee.
    :param sha256: of its weights file.
    :param relations_sha256: of the weights file of its relation model; None if it has none.
    """

    arm: str
    version: str
    sha256: str
    relations_sha256: str | None = None


@dataclass(frozen=True, slots=True)
class SavedCommittee:
    """What the file of a committee says.

    :param scaling: calibration of mentions whose probabilities are the mean of the members'.
    """

    members: tuple[Member, ...]
    scaling: Scaling


def is_committee(folder: Path) -> bool:
    """Return whether a folder is that of a committee, not of a single model."""
    return (folder / COMMITTEE_FILE).is_file()


def write_committee(models_dir: Path, prefix: str, members: Sequence[Member], scaling: Scaling) -> TrainedModel:
    """Save a committee as ``<prefix>-<first ten digits of the sha256 of its file>``.

    It is written under a temporary name and renamed. If the very same committee already exists, it is kept.

    :raises LearnerError: the disk is full or cannot be written to; nothing is left behind.
    """
    values = {"format": _FORMAT, **scaling._asdict(), "members": [asdict(member) for member in members]}
    content = json.dumps(values, indent=2, sort_keys=True).encode()
    sha256 = hashlib.sha256(content).hexdigest()
    folder = models_dir / f"{prefix}-{sha256[:10]}"
    model = TrainedModel(folder.name, folder, sha256)
    try:
        if sha256_of(folder / COMMITTEE_FILE) == sha256:
            return model
    except OSError as error:
        raise LearnerError(f"the committee cannot be written to {models_dir}: {cause(error, models_dir)}") from error
    with placing(folder, "the committee") as partial:
        write_flushed(partial / COMMITTEE_FILE, content)
    return model


def read_committee(folder: Path) -> SavedCommittee:
    """Read the file of a committee.

    :raises LearnerError: the file is missing, damaged, or of another version of the program.
    """
    try:
        values = json.loads((folder / COMMITTEE_FILE).read_text(encoding="utf-8"))
        if values["format"] != _FORMAT:
            raise LearnerError(f"the committee {folder} was made by another version of the program: train it again")
        return SavedCommittee(tuple(Member(**one) for one in values["members"]), Scaling.of(values))
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise LearnerError(f"the committee {folder} is damaged ({error}): train it again") from error


def member_folders(folder: Path) -> list[Path]:
    """Return the folders of a committee's members, which are beside its own.

    :raises LearnerError: a member is missing, or the file of the committee is damaged.
    """
    places = [folder.parent / member.version for member in read_committee(folder).members]
    for place in places:
        if not place.is_dir():
            raise LearnerError(
                f"the committee {folder.name} needs the model {place.name}, which is not beside it in {folder.parent}"
            )
    return places


def is_intact_committee(folder: Path, sha256: str) -> bool:
    """Return whether a folder holds an unchanged committee, and the folders beside it its unchanged members.

    :param sha256: of the committee's file.
    """
    from biorat_al.learner.relations.training import relation_folders

    if sha256_of(folder / COMMITTEE_FILE) != sha256:
        return False
    for member in read_committee(folder).members:
        place = folder.parent / member.version
        if not is_intact(place, member.sha256):
            return False
        wanted = member.relations_sha256
        if wanted is not None and not any(is_intact(one, wanted) for one in relation_folders(place)[-1:]):
            return False
    return True
