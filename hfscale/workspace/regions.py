"""Finding the background workspace and its patches in folders and archives as they are published.

HEPData archives hold ``BkgOnly.json`` beside ``patchset.json`` or beside one ``patch.NAME.json`` per signal point,
either directly or in one folder per region.
"""

import posixpath
from fnmatch import fnmatchcase
from pathlib import Path

from hfscale.errors import SourceError
from hfscale.workspace.members import is_container, list_members
from hfscale.workspace.sources import SEPARATOR, Location, find_member, parse_source

_BACKGROUND = ("bkgonly.json", "bkgonly.json.gz")
_PATCHSET = ("patchset.json", "patchset.json.gz")
_PATCHES = ("patch*.json", "patch*.json.gz")


def locate_background(source: str | Path) -> Location:
    """Return where the background workspace is: the file itself, or ``BkgOnly.json`` of a folder or archive.

    Raises:
        SourceError: Nothing is there, or there are several regions to choose from.
    """
    location = parse_source(source)
    if not is_container(location.path):
        return location
    names = list_members(location.path)
    folder = _folder_of(location, names)
    if folder is None:
        return find_member(location.path, location.member or "", names)
    found = _nearest(folder, _BACKGROUND, names)
    if len(found) == 1:
        return Location(location.path, found[0])
    if not found:
        remedy = f"choose one of its files: {_choices(location.path, names)}" if names else "it holds no JSON files"
        raise SourceError(f"{source} holds no BkgOnly.json", remedy=remedy)
    raise SourceError(
        f"{source} holds several background workspaces", remedy=f"choose one: {_choices(location.path, found)}"
    )


def locate_patches(source: str | Path) -> tuple[Location, ...]:
    """Return where the patches are: the file itself, or those of a folder or archive.

    In a folder or archive that is one patchset or, without one, every ``patch*.json``.

    Raises:
        SourceError: Nothing is there, or there are several regions to choose from.
    """
    location = parse_source(source)
    if not is_container(location.path):
        return (location,)
    names = list_members(location.path)
    folder = _folder_of(location, names)
    if folder is None:
        return (find_member(location.path, location.member or "", names),)
    found = _patches_below(location.path, folder, names)
    if found:
        return found
    raise SourceError(
        f"{source} holds no patchset.json and no patch*.json",
        remedy=f"choose one of its files: {_choices(location.path, names)}",
    )


def locate_patches_beside(background: Location) -> tuple[Location, ...]:
    """Return the patches in the same folder as the ``BkgOnly.json`` of a folder or archive.

    Nothing is looked for beside a plain file, nor beside a member of another name (a full workspace is one point).
    """
    if background.member is None or posixpath.basename(background.member).lower() not in _BACKGROUND:
        return ()
    names = list_members(background.path)
    return _patches_in(background.path, posixpath.dirname(background.member), names)


def point_files(source: str | Path) -> tuple[Location, ...]:
    """Return the patch files that ``source`` stands for: one file, or all those of a folder or archive.

    Of a folder that is every JSON file directly in it but ``BkgOnly.json`` and ``patchset.json``; of an archive, as
    it also holds other things, its ``patch*.json``.

    Raises:
        SourceError: Nothing is there.
    """
    location = parse_source(source)
    if not location.path.is_dir():
        return locate_patches(source)
    folder = location.member or ""
    names = [
        name
        for name in list_members(location.path)
        if posixpath.dirname(name) == folder and posixpath.basename(name).lower() not in _BACKGROUND + _PATCHSET
    ]
    if not names:
        raise SourceError(f"{source} holds no patch files", remedy="give a folder of JSON patches")
    return tuple(Location(location.path, name) for name in names)


def _patches_below(path: Path, folder: str, names: tuple[str, ...]) -> tuple[Location, ...]:
    """Return the patches of the one folder that has some, the given one or one below it."""
    if direct := _patches_in(path, folder, names):
        return direct
    folders = sorted({posixpath.dirname(name) for name in names if _is_below(name, folder)})
    found = {name: patches for name in folders if (patches := _patches_in(path, name, names))}
    if len(found) > 1:
        choices = ", ".join(f"{path}{SEPARATOR}{name}" for name in found)
        raise SourceError(f"{path} holds several sets of patches", remedy=f"choose one: {choices}")
    return next(iter(found.values()), ())


def _patches_in(path: Path, folder: str, names: tuple[str, ...]) -> tuple[Location, ...]:
    here = [name for name in names if posixpath.dirname(name) == folder]
    for patterns in (_PATCHSET, _PATCHES):
        if found := [name for name in here if _matches(name, patterns)]:
            return tuple(Location(path, name) for name in found)
    return ()


def _nearest(folder: str, patterns: tuple[str, ...], names: tuple[str, ...]) -> list[str]:
    """Return the matching members directly in the folder, or else all those below it."""
    found = [name for name in names if _is_below(name, folder) and _matches(name, patterns)]
    return [name for name in found if posixpath.dirname(name) == folder] or found


def _folder_of(location: Location, names: tuple[str, ...]) -> str | None:
    """Return the folder inside the container that the user named ("" for all of it), None for a member file."""
    folder = location.member or ""
    return folder if any(_is_below(name, folder) for name in names) or not folder else None


def _is_below(name: str, folder: str) -> bool:
    return not folder or name.startswith(folder + "/")


def _matches(name: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatchcase(posixpath.basename(name).lower(), pattern) for pattern in patterns)


def _choices(path: Path, names: tuple[str, ...] | list[str], limit: int = 12) -> str:
    listed = ", ".join(f"{path}{SEPARATOR}{name}" for name in names[:limit])
    return listed + (f" and {len(names) - limit} more" if len(names) > limit else "")
