"""Writing exports so that there is a whole file or folder, or none."""

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from hfscale.errors import InputError

_PARTIAL = ".partial"


def check_file(path: Path) -> None:
    """Check, before anything is read, that a file can be written.

    Raises:
        InputError: Its folder does not exist, or it is a folder itself.
    """
    _check_parent(path)
    if path.is_dir():
        raise InputError(f"cannot write {path}: it is a folder", remedy="give the name of a file")


def check_folder(path: Path) -> None:
    """Check, before anything is read, that a folder can be written.

    Raises:
        InputError: The folder above does not exist, or there is something that is no empty folder.
    """
    _check_parent(path)
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise InputError(
            f"cannot write the folder {path}: it exists and is not empty", remedy="give the name of a new folder"
        )


def _check_parent(path: Path) -> None:
    if not path.absolute().parent.is_dir():
        raise InputError(f"cannot write {path}: its folder does not exist", remedy="make the folder first")


def write_file(path: Path, content: bytes) -> None:
    """Write a file, in place of the one that may be there.

    Raises:
        InputError: It cannot be written.
    """
    draft = _draft(path)
    try:
        draft.write_bytes(content)
        draft.replace(path)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise InputError(f"cannot write {path}: {error.strerror}", remedy="choose another place") from error


def write_folder(path: Path, files: Mapping[str, bytes]) -> None:
    """Write a folder of files, in place of an empty one that may be there.

    Raises:
        InputError: It cannot be written.
    """
    draft = _draft(path)
    try:
        draft.mkdir()
        for name, content in files.items():
            (draft / name).write_bytes(content)
        if path.exists():
            path.rmdir()
        draft.rename(path)
    except OSError as error:
        shutil.rmtree(draft, ignore_errors=True)
        raise InputError(f"cannot write {path}: {error.strerror}", remedy="choose another place") from error


def _draft(path: Path) -> Path:
    absolute = path.absolute()
    return absolute.with_name(f".{absolute.name}.{os.getpid()}{_PARTIAL}")
