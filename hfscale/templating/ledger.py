"""What is finished in a folder of templates: a ledger, which outlives the run, and tells what must be made again.

A template is finished if the ledger has it with the identity asked for (a digest of what it is made from, and of the
state of its input files), and the file is still the one that was written.
"""

import glob
import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from importlib.metadata import version
from io import FileIO
from pathlib import Path
from types import TracebackType
from typing import Any

from hfscale.errors import StoreError
from hfscale.plan.digests import digest
from hfscale.store.files import write_bytes
from hfscale.templating.recipes import Template

_SOURCE = ("paths", "tree", "variable", "bins", "weight", "selection")


class Layout:
    """Where things are in a folder of templates.

    Attributes:
        folder: The templates and the workspace.
        state: What only this package reads.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.state = folder / ".hfscale"
        self.workspace = folder / "workspace.json"
        self.ledger = self.state / "ledger.jsonl"
        self.drafts = self.state / "drafts"
        self.journal = self.state / "journal"
        self.lock = self.state / "run" / "lock"

    def make(self) -> None:
        """Make the folders.

        Raises:
            StoreError: That is impossible.
        """
        try:
            for path in (self.drafts, self.lock.parent):
                path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(
                f"templates cannot be written to {self.folder}: {error.strerror}", remedy="choose another folder"
            ) from error

    def orders(self, identity: str) -> Path:
        """Return the file for what workers need to know."""
        return self.state / f"orders-{identity}.json"

    def sweep(self) -> None:
        """Remove what a run leaves, or one that was killed."""
        for path in [*self.drafts.glob("*"), *self.state.glob("orders-*.json")]:
            path.unlink(missing_ok=True)


def identities(templates: Sequence[Template]) -> dict[str, str]:
    """Return the identity of every file: what it is made from.

    Files that changed since (in size or time), and other versions of cabinetry, make it another one.
    """
    states, cabinetry = _FileStates(), version("cabinetry")
    found: dict[str, str] = {}
    for template in templates:
        document = {key: value for key, value in template.to_json().items() if key in _SOURCE}
        document["files"] = [states.of(path, template) for path in template.paths]
        document["cabinetry"] = cabinetry
        found[template.name] = digest(document)
    result = {}
    for template in templates:
        result[template.file] = found[template.name]
        nominal = found.get(template.nominal) if template.smoothing is not None else None
        document = {"raw": found[template.name], "nominal": nominal, "smoothing": template.smoothing}
        result[template.processed_file] = digest(document)
    return result


def input_bytes(templates: Sequence[Template]) -> list[int]:
    """Return how many bytes are read at most to make each template."""
    states = _FileStates()
    return [sum(state[1] for path in t.paths for state in states.of(path, t)) for t in templates]


class _FileStates:
    """Path, size and time of the files of paths with wildcards, asked once each; none for other places."""

    def __init__(self) -> None:
        self._known: dict[str, list[tuple[str, int, int]]] = {}

    def of(self, path: str, template: Template) -> list[tuple[str, int, int]]:
        if template.tree is None:
            path = path.rpartition(":")[0]
        if path not in self._known:
            files = sorted(glob.glob(path))  # noqa: PTH207 (the whole path is a pattern)
            self._known[path] = [state for file in files for state in self._state(file)]
        return self._known[path]

    def _state(self, file: str) -> list[tuple[str, int, int]]:
        try:
            found = os.stat(file)  # noqa: PTH116 (as uproot takes it)
        except OSError:
            # The task that reads it says so.
            return []
        return [(file, found.st_size, found.st_mtime_ns)]


class Ledger:
    """Takes note of finished files, each on one line of JSON. Use it in a ``with`` statement.

    Args:
        layout: Where the ledger is.
        wanted: Identity of every file.

    Attributes:
        finished: Name of each finished file -> its SHA-256.
    """

    def __init__(self, layout: Layout, wanted: Mapping[str, str]) -> None:
        self._layout = layout
        self._wanted = wanted
        self._file: FileIO | None = None
        self.finished: dict[str, str] = {}

    def __enter__(self) -> "Ledger":
        """Keep the lines of files that are finished, and remove other files of these names."""
        lines = finished_lines(self._layout, self._wanted)
        self.finished = {file: line["sha256"] for file, line in lines.items()}
        write_bytes(self._layout.ledger, "".join(json.dumps(line) + "\n" for line in lines.values()).encode())
        for file in self._wanted.keys() - self.finished.keys():
            (self._layout.folder / file).unlink(missing_ok=True)
        self._file = FileIO(self._layout.ledger, "ab")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close."""
        if self._file is not None:
            self._file.close()

    def add(self, receipt: Path) -> None:
        """Take note of the files that a task wrote, by its receipt.

        Raises:
            StoreError: It is not here, or the ledger cannot be written.
        """
        try:
            written: dict[str, str] = json.loads(receipt.read_bytes())
        except OSError as error:
            raise StoreError(
                f"a worker wrote templates, but they are not in {self._layout.folder}",
                remedy="choose a folder that this process and all workers see",
            ) from error
        lines = [{"file": file, "identity": self._wanted[file], "sha256": found} for file, found in written.items()]
        if self._file is not None:
            self._file.write("".join(json.dumps(line) + "\n" for line in lines).encode())
        self.finished.update(written)
        receipt.unlink(missing_ok=True)

    def check(self) -> None:
        """Make sure that the files are those that were noted.

        Raises:
            StoreError: One is not.
        """
        others = sorted(f for f, noted in self.finished.items() if sha256(self._layout.folder / f) != noted)
        if others:
            raise StoreError(
                f"{len(others)} templates in {self._layout.folder} were changed during the run, for example"
                f" {others[0]}, perhaps by a task of an earlier run",
                remedy="when nothing else writes there, run the same command again: it makes them again",
            )


def finished_lines(layout: Layout, wanted: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """Return the lines of the ledger on those of the files that are finished; changes nothing."""
    lines = {line["file"]: line for line in _read(layout.ledger) if wanted.get(line["file"]) == line["identity"]}
    return {file: line for file, line in lines.items() if sha256(layout.folder / file) == line["sha256"]}


def _read(path: Path) -> list[dict[str, Any]]:
    try:
        texts = path.read_bytes().splitlines()
    except OSError:
        return []
    lines = []
    for text in texts:
        # The last line of a run that was killed may be torn.
        with suppress(ValueError):
            line = json.loads(text)
            if isinstance(line, dict) and line.keys() >= {"file", "identity", "sha256"}:
                lines.append(line)
    return lines


def sha256(path: Path) -> str | None:
    """Return the digest of a file, None if it cannot be read."""
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return None
