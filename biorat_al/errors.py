"""The errors that biorat-al raises on purpose.

Exit status 1 unless another is given::

    BioratError
    ├── UsageError                     2
    ├── NothingToDoYet                 3
    ├── CorpusError
    │   ├── FormatError
    │   ├── OffsetError
    │   ├── DuplicateDocumentError
    │   └── LabelError
    ├── SettingsError
    ├── ProjectError
    ├── LockedError
    ├── StoreError
    │   └── SchemaVersionError
    ├── DeskError
    │   ├── DeskUnreachableError
    │   ├── DeskAccessError
    │   └── DeskProjectGoneError
    ├── ClusterError
    └── LearnerError
        ├── EncoderNotFoundError
        └── NotEnoughLabelsError

Every message is one or two plain sentences: what happened, where, and what to do about it. The command line prints the
message only and exits with :attr:`BioratError.exit_code`; any other exception is a defect.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from biorat_al.wording import shortened

LONGEST_MESSAGE, _ITS_END = 700, 300
LONGEST_ID = 100
"""Characters; where a file should have an id it may have a whole text, which no message repeats."""

# line ends and tabs stay; a terminal would act on the others
_CONTROLS = {code: f"\\x{code:02x}" for code in (*range(0x20), *range(0x7F, 0xA0)) if chr(code) not in "\n\t"}


def readable(text: str) -> str:
    """Return `text` with its control characters escaped, so that a terminal does not act on them."""
    return text.translate(_CONTROLS)


class BioratError(Exception):
    """The base class of all errors that a user can do something about.

    >>> from biorat_al import BioratError, Project
    >>> try:
    ...     Project.open("nowhere")
    ... except BioratError as error:
    ...     print(type(error).__name__, error.exit_code)
    ProjectError 1
    """

    exit_code = 1


class UsageError(BioratError):
    """The call itself is wrong: options contradict each other, or a name does not exist."""

    exit_code = 2


class NothingToDoYet(BioratError):
    """There is nothing to do until people have annotated more.

    :param open_tasks: number of tasks that are waiting for an annotator.
    :param notes: sentences on the answers that were fetched.
    """

    exit_code = 3

    def __init__(self, message: str, open_tasks: int = 0, notes: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.open_tasks = open_tasks
        self.notes = tuple(notes)


class CorpusError(BioratError):
    """Documents or annotations cannot be read, or do not fit together.

    :param source: the file, or file and line, with the fault.
    :param document: id of the document.
    """

    def __init__(self, message: str, *, source: str | None = None, document: str | None = None) -> None:
        named = f"document {shortened(document, LONGEST_ID)}" if document else None
        where = ", ".join(part for part in (source, named) if part)
        message = shortened(message, LONGEST_MESSAGE, end=_ITS_END)
        super().__init__(readable(f"{where}: {message}" if where else message))
        self.source = source
        self.document = document


class FormatError(CorpusError):
    """A file is not in the format that it was read as."""


class OffsetError(CorpusError):
    """The text at an annotation's offsets is not the text that the annotation names.

    :param found: the document's text at the offsets; None if the offsets are outside the text.
    :param expected: the text that the annotation gives.
    :param shift: by how many characters the mention must be moved so that its text is `expected`; None if not
        known.
    """

    def __init__(
        self,
        message: str,
        *,
        source: str | None = None,
        document: str | None = None,
        found: str | None = None,
        expected: str | None = None,
        shift: int | None = None,
    ) -> None:
        super().__init__(message, source=source, document=document)
        self.found = found
        self.expected = expected
        self.shift = shift


class DuplicateDocumentError(CorpusError):
    """Two documents have the same id but different texts."""


class LabelError(CorpusError):
    """The requested labels and the labels in the documents do not fit together."""


class SettingsError(BioratError):
    """A project's settings file is missing or malformed, or has a value out of range."""


class ProjectError(BioratError):
    """A project folder or a file to be written is missing, already exists, or is not what was expected."""


class LockedError(BioratError):
    """Another process is running a round of this project, or is writing the same file or folder."""


class StoreError(BioratError):
    """The database cannot be reached, or its content is not as it should be."""


class SchemaVersionError(StoreError):
    """The database was created by a newer or an older version of the program."""


class DeskError(BioratError):
    """The annotation desk (Label Studio or the oracle) did not do what it was asked to do."""


class DeskUnreachableError(DeskError):
    """The annotation desk does not answer; the same command can be tried again."""


class DeskAccessError(DeskError):
    """The annotation desk refused the token."""


class DeskProjectGoneError(DeskError):
    """A project is no longer on the annotation desk."""


class ClusterError(BioratError):
    """A Ray cluster does not answer, or its machines lack what the work needs."""


class LearnerError(BioratError):
    """Training or prediction cannot continue."""


class EncoderNotFoundError(LearnerError):
    """The encoder's weights are not on disk and could not be downloaded."""


class NotEnoughLabelsError(LearnerError):
    """There is nothing to train on.

    :param not_candidates: annotated relations that cannot be learnt, by reason.
    """

    def __init__(self, message: str, not_candidates: Mapping[str, int] | None = None) -> None:
        super().__init__(message)
        self.not_candidates = dict(not_candidates or {})
