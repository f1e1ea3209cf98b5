"""Folders and archives as one thing: a list of JSON files by name, and their bytes.

Members of archives are read, never extracted. Names that leave the archive, links and hidden files are no members.
"""

import gzip
import lzma
import os
import posixpath
import tarfile
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from hfscale.errors import SourceError

_ARCHIVE_SUFFIXES = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz", ".zip")
_JSON_SUFFIXES = (".json", ".json.gz")
_FOLDER_DEPTH = 3


def is_archive(path: Path) -> bool:
    """Tell whether the name is that of an archive."""
    return path.name.lower().endswith(_ARCHIVE_SUFFIXES)


def is_container(path: Path) -> bool:
    """Tell whether the path may hold several JSON files: a folder or an archive."""
    return path.is_dir() or is_archive(path)


def list_members(path: Path) -> tuple[str, ...]:
    """Return the sorted names of all JSON files in a folder or archive, with ``/`` between folders.

    Raises:
        SourceError: It cannot be read.
    """
    with _reading(path):
        if path.is_dir():
            names = set(_folder_files(path))
        elif path.suffix.lower() == ".zip":
            with zipfile.ZipFile(path) as archive:
                names = {name for info in archive.infolist() if (name := _zip_name(info))}
        else:
            with tarfile.open(path) as archive:
                names = {name for info in archive if (name := _tar_name(info))}
    return tuple(sorted(names))


def read_members(path: Path, names: Iterable[str]) -> dict[str, bytes]:
    """Return the bytes of some members, unpacked where their name ends in ``.gz``.

    Raises:
        SourceError: The container or a member cannot be read.
    """
    wanted = set(names)
    with _reading(path):
        if path.is_dir():
            found = {name: (path / name).read_bytes() for name in wanted}
        elif path.suffix.lower() == ".zip":
            with zipfile.ZipFile(path) as archive:
                found = {n: archive.read(i) for i in archive.infolist() if (n := _zip_name(i)) in wanted and n}
        else:
            found = _read_tar(path, wanted)
        return {name: unpack(name, data) for name, data in found.items()}


def read_file(path: Path) -> bytes:
    """Return the bytes of a plain file, unpacked where its name ends in ``.gz``.

    Raises:
        SourceError: It cannot be read.
    """
    with _reading(path):
        return unpack(path.name, path.read_bytes())


def unpack(name: str, data: bytes) -> bytes:
    """Return the content of a file that may be compressed with gzip."""
    return gzip.decompress(data) if name.lower().endswith(".gz") else data


def _read_tar(path: Path, wanted: set[str]) -> dict[str, bytes]:
    """Read members in the order of the archive: going back in a compressed stream would unpack it again."""
    found = {}
    with tarfile.open(path) as archive:
        for info in archive:
            name = _tar_name(info)
            if name in wanted and (stream := archive.extractfile(info)) is not None:
                found[name] = stream.read()
    return found


def _folder_files(folder: Path) -> Iterator[str]:
    for root, folders, files in os.walk(folder):
        below = Path(root).relative_to(folder)
        folders[:] = [name for name in folders if not name.startswith(".") and len(below.parts) < _FOLDER_DEPTH]
        for file in files:
            if name := _member_name((below / file).as_posix()):
                yield name


def _tar_name(info: tarfile.TarInfo) -> str | None:
    return _member_name(info.name) if info.isreg() else None


def _zip_name(info: zipfile.ZipInfo) -> str | None:
    return None if info.is_dir() else _member_name(info.filename)


def _member_name(raw: str) -> str | None:
    """Return the cleaned name of a JSON member, None for anything else."""
    name = posixpath.normpath(raw)
    if name.startswith(("/", "../")) or posixpath.basename(name).startswith("."):
        return None
    return name if name.lower().endswith(_JSON_SUFFIXES) else None


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    """Turn every way in which reading can fail into a ``SourceError`` that names the file."""
    try:
        yield
    except FileNotFoundError as error:
        raise SourceError(f"{path} does not exist", remedy="check the path") from error
    except (OSError, EOFError, tarfile.TarError, zipfile.BadZipFile, zlib.error, lzma.LZMAError) as error:
        raise SourceError(f"{path} cannot be read: {error}", remedy="check that it is complete and readable") from error
    except (RuntimeError, NotImplementedError) as error:  # zipfile: encrypted, or an unknown compression
        raise SourceError(f"{path} cannot be read: {error}", remedy="unpack it and give the folder") from error
