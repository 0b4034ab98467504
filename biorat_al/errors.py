"""The family of errors that biorat-al raises on purpose.

Every message is one plain sentence or two: what happened, where, and what to do about it. The command line prints the
message alone and leaves with :attr:`BioratError.exit_code`; anything that is not of this family is a defect.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

LONGEST_MESSAGE = 1500
"""Characters of a message about a document; what it quotes from a broken file may be the whole file."""

LONGEST_ID = 200
"""Characters of a document's id in a message."""

# line ends and tabs are shown as they are; a terminal acts on the others
_CONTROLS = {code: f"\\x{code:02x}" for code in (*range(0x20), *range(0x7F, 0xA0)) if chr(code) not in "\n\t"}


def readable(text: str) -> str:
    """Return `text` with its control characters written out, so that none of them acts on a terminal."""
    return text.translate(_CONTROLS)


def shortened(text: str, length: int) -> str:
    """Return `text`, without its middle where it has more than `length` characters."""
    left_out = len(text) - length
    if left_out <= 0:
        return text
    return f"{text[: length // 2]} … ({left_out:,} characters) … {text[-(length - length // 2) :]}"


class BioratError(Exception):
    """Base of every error that a user can do something about."""

    exit_code = 1


class UsageError(BioratError):
    """The call itself is wrong: options that contradict each other, a name that does not exist."""

    exit_code = 2


class NothingToDoYet(BioratError):
    """There is nothing to do until people have annotated more.

    :param open_tasks: number of tasks that wait for an annotator.
    :param notes: what a person should know of the answers that were fetched, in sentences.
    """

    exit_code = 3

    def __init__(self, message: str, open_tasks: int = 0, notes: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.open_tasks = open_tasks
        self.notes = tuple(notes)


class CorpusError(BioratError):
    """Documents or annotations that cannot be read or do not fit together.

    :param source: file, or file and line, where it was seen.
    :param document: id of the document concerned.
    """

    def __init__(self, message: str, *, source: str | None = None, document: str | None = None) -> None:
        about = f"document {shortened(document, LONGEST_ID)}" if document else None
        where = ", ".join(part for part in (source, about) if part)
        said = shortened(message, LONGEST_MESSAGE)
        super().__init__(readable(f"{where}: {said}" if where else said))
        self.source = source
        self.document = document


class FormatError(CorpusError):
    """A file is not of the format that it was read as."""


class OffsetError(CorpusError):
    """The text at an annotation's offsets is not the text that the annotation names.

    :param found: the document's text at the offsets; None if the offsets lie outside the text.
    :param expected: the surface that the annotation carries.
    :param shift: by how many characters the mention must be moved for its text to be `expected`; None if that is
        not known.
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
    """Two documents share an id and differ in their text."""


class LabelError(CorpusError):
    """The labels that were asked for and those that the documents carry do not fit together."""


class SettingsError(BioratError):
    """A project's settings file is missing, malformed or out of range."""


class ProjectError(BioratError):
    """A project folder is not there, or there already, or of another kind than was expected."""


class LockedError(BioratError):
    """Another process is running a round of this project."""


class StoreError(BioratError):
    """The database cannot be reached, or does not hold what it should."""


class SchemaVersionError(StoreError):
    """The database was made by a newer or an older version of the program."""


class DeskError(BioratError):
    """The place where people annotate did not do what was asked of it."""


class DeskUnreachableError(DeskError):
    """No answer from the place where people annotate; the same command can be tried again."""


class DeskAccessError(DeskError):
    """The place where people annotate refused the token."""


class LearnerError(BioratError):
    """Training or prediction cannot go on."""


class EncoderNotFoundError(LearnerError):
    """The encoder's weights are neither on disk nor to be had."""


class NotEnoughLabelsError(LearnerError):
    """There is nothing to train on.

    :param not_candidates: annotated relations that cannot be learnt, by reason.
    """

    def __init__(self, message: str, not_candidates: Mapping[str, int] | None = None) -> None:
        super().__init__(message)
        self.not_candidates = dict(not_candidates or {})
