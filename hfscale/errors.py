"""The one tree of errors that hfscale raises on purpose.

Every error names what it is about (file, JSON path, signal point, task), carries a stable machine-readable ``kind``
and tells the remedy. Errors travel between processes: they survive pickling unchanged.
"""

from typing import Any, ClassVar


class HfscaleError(Exception):
    """Base of all errors of this package.

    Args:
        message: What is wrong, in one sentence that names the file, key, point or task.
        place: Where in the input (a JSON pointer, a line and column, a label), or None.
        remedy: What the user can do about it, or None.
    """

    kind: ClassVar[str] = "error"

    def __init__(self, message: str, *, place: str | None = None, remedy: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.place = place
        self.remedy = remedy

    def __str__(self) -> str:
        text = self.message
        if self.place:
            text += f" (at {self.place})"
        if self.remedy:
            text += f"\n  remedy: {self.remedy}"
        return text

    def __reduce__(self) -> tuple[Any, ...]:
        return (_rebuild, (type(self), self.message, self.place, self.remedy))


def _rebuild(cls: type[HfscaleError], message: str, place: str | None, remedy: str | None) -> HfscaleError:
    return cls(message, place=place, remedy=remedy)


class InputError(HfscaleError):
    """Something the user gave is wrong; nothing was written."""

    kind = "input"


class SourceError(InputError):
    """A file, folder or archive member cannot be found or read, or is not JSON."""

    kind = "source"


class SchemaError(InputError):
    """A document is not what it should be: another kind of JSON, or against pyhf's schema."""

    kind = "schema"


class PatchError(InputError):
    """A JSON patch does not apply to the workspace, or what it makes is not a workspace."""

    kind = "patch"


class DigestError(InputError):
    """The digest in a patchset is not that of the workspace."""

    kind = "digest"


class ModelError(InputError):
    """A workspace is valid JSON but defines no valid HistFactory model."""

    kind = "model"


class SelectionError(InputError):
    """A name does not exist: point, POI, measurement, label, or an expression over them cannot be evaluated."""

    kind = "selection"


class StoreError(HfscaleError):
    """A result store cannot be made, opened, or continued."""

    kind = "store"


class StoreBusyError(StoreError):
    """Another process is working on a store that only one may change at a time."""

    kind = "store-busy"


class StoreMismatchError(StoreError):
    """A store exists but holds results of other inputs or settings."""

    kind = "store-mismatch"


class TaskError(HfscaleError):
    """A task could not be computed after all retries."""

    kind = "task"


class BatchSystemError(HfscaleError):
    """A batch system refused something, or cannot be asked."""

    kind = "batch-system"


class HfscaleWarning(UserWarning):
    """Something that is allowed but rarely meant."""


class InterruptedRunError(HfscaleError):
    """The run was interrupted; the same command continues it."""

    kind = "interrupted"
