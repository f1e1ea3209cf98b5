"""Writing a combination as a folder that every verb takes."""

import json
import shutil
import tempfile
from pathlib import Path

from hfscale.errors import InputError
from hfscale.workspace.combining.combine import Combination


def write_combination(combination: Combination, folder: str | Path) -> Path:
    """Write ``BkgOnly.json`` and ``patchset.json`` into a new folder: both, or nothing.

    Returns:
        The folder, which stands for both files wherever a workspace is asked for.

    Raises:
        InputError: The folder exists, or cannot be written.
    """
    target = check_new_folder(folder)
    documents = {"BkgOnly.json": combination.workspace, "patchset.json": combination.patchset}
    draft: Path | None = None
    try:
        draft = Path(tempfile.mkdtemp(prefix=f".{target.name}.", suffix=".partial", dir=target.absolute().parent))
        for name, document in documents.items():
            text = json.dumps(document, separators=(",", ":"), allow_nan=False)
            (draft / name).write_text(text, encoding="utf-8")
        draft.chmod(0o755)
        draft.replace(target)
    except OSError as error:
        raise InputError(f"{target} cannot be written: {error.strerror}", remedy="choose another folder") from error
    finally:
        if draft is not None:
            shutil.rmtree(draft, ignore_errors=True)
    return target


def check_new_folder(folder: str | Path) -> Path:
    """Return the folder if nothing is there and the one that is to hold it exists.

    Raises:
        InputError: Something is there, or its parent is missing.
    """
    target = Path(folder)
    if target.exists() or target.is_symlink():
        raise InputError(f"{target} exists already", remedy="name a new folder, or remove what is there")
    if not target.absolute().parent.is_dir():
        raise InputError(f"cannot make {target}: its parent folder does not exist", remedy="make the parent first")
    return target
