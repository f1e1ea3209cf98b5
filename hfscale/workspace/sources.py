"""From what the user wrote (``FILE`` or ``ARCHIVE::MEMBER``) to parsed JSON documents."""

import json
import posixpath
import re
from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any, NamedTuple

from hfscale.errors import SourceError
from hfscale.workspace.members import is_archive, is_container, read_file, read_members

SEPARATOR = "::"
_STRING_OR_CONSTANT = re.compile(r'"(?:[^"\\]|\\.)*"|NaN|-?Infinity')


class Location(NamedTuple):
    """A JSON file: a path, and the member where the path is a folder or archive."""

    path: Path
    member: str | None = None

    def __str__(self) -> str:
        if self.member is None:
            return str(self.path)
        return f"{self.path}{SEPARATOR}{self.member}" if is_archive(self.path) else str(self.path / self.member)


class Document(NamedTuple):
    """Parsed JSON and the name of its source for messages."""

    content: Any
    source: str


class _ConstantFoundError(ValueError):
    """The text holds NaN or Infinity, which are no JSON."""


def parse_source(source: str | Path) -> Location:
    """Split ``ARCHIVE::MEMBER``; a path that exists is taken as it is. The member may be a folder in the archive.

    Raises:
        SourceError: The path does not exist, or has a member but is no archive.
    """
    path, separator, member = str(source).partition(SEPARATOR)
    try:
        taken_whole = not separator or Path(source).exists()
        location = Location(Path(source)) if taken_whole else Location(Path(path), _clean(member))
        exists = location.path.exists()
    except OSError as error:
        raise SourceError(f"{source} cannot be read: {error}", remedy="check the path and its permissions") from error
    if not exists:
        raise SourceError(f"{location.path} does not exist", remedy="check the path")
    if location.member is not None and not is_container(location.path):
        raise SourceError(
            f"{location.path} is no archive, so it has no member {location.member!r}",
            remedy="archives end in .tar.gz, .tgz, .tar or .zip",
        )
    return location


def find_member(path: Path, member: str, names: Sequence[str]) -> Location:
    """Return the place of one JSON file among those that a folder or archive holds.

    Raises:
        SourceError: There is no such member.
    """
    if member in names:
        return Location(path, member)
    near = get_close_matches(member, names, n=5, cutoff=0.3) or list(names[:10])
    remedy = f"choose one of: {', '.join(near)}" if near else "it holds no JSON files"
    raise SourceError(f"{path} holds no {member!r}", remedy=remedy)


def read_documents(locations: Sequence[Location]) -> list[Document]:
    """Read and parse files in the given order; each archive is opened once.

    Raises:
        SourceError: A file cannot be read or is not JSON.
    """
    members: dict[Path, dict[str, bytes]] = {}
    for path in {location.path for location in locations if location.member is not None}:
        wanted = [place.member for place in locations if place.path == path and place.member is not None]
        members[path] = read_members(path, wanted)
    documents = []
    for location in locations:
        path, member = location
        data = read_file(path) if member is None else members[path][member]
        documents.append(Document(parse_json(data, str(location)), str(location)))
    return documents


def parse_json(data: bytes, source: str) -> Any:
    """Parse JSON strictly: the literals NaN and Infinity, which Python would accept, are refused.

    Raises:
        SourceError: The bytes are not JSON; the place is given as line and column.
    """
    try:
        text = data.decode(json.detect_encoding(data))
        return json.loads(text, parse_constant=_refuse_constant)
    except json.JSONDecodeError as error:
        raise SourceError(
            f"{source} is not JSON: line {error.lineno}, column {error.colno}: {error.msg}",
            remedy="the file may be incomplete; get it again or correct it there",
        ) from error
    except _ConstantFoundError as error:
        raise SourceError(
            f"{source} is not JSON: {error} at {_place_of_constant(text)}",
            remedy="give a finite number; JSON knows no NaN or Infinity",
        ) from error
    except (ValueError, RecursionError) as error:  # not Unicode, a number of thousands of digits, too deep
        raise SourceError(f"{source} is not JSON: {error}", remedy="check that it is a JSON file") from error


def _clean(member: str) -> str | None:
    """Return the name of a member in its simplest form, None for the whole archive."""
    name = posixpath.normpath(member)
    return None if name == "." else name


def _refuse_constant(literal: str) -> None:
    raise _ConstantFoundError(f"it holds the number {literal}")


def _place_of_constant(text: str) -> str:
    """Return line and column of the first NaN or Infinity outside of strings."""
    start = next(match.start() for match in _STRING_OR_CONSTANT.finditer(text) if match.group()[0] != '"')
    return f"line {text.count(chr(10), 0, start) + 1}, column {start - text.rfind(chr(10), 0, start)}"
