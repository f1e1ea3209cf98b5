"""Workspaces from and to the XML and ROOT files of HistFactory, by pyhf."""

import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import ParseError

from hfscale.errors import InputError, SourceError
from hfscale.workspace.extension import KEY
from hfscale.workspace.single import WorkspaceSource, read_workspace

_DTD = "HistFactorySchema.dtd"


def from_xml(
    config_file: str | Path, root_dir: str | Path, *, mounts: Sequence[tuple[Path, Path]] = ()
) -> dict[str, Any]:
    """Read the XML configuration of a HistFactory model with its ROOT histograms.

    Args:
        config_file: The top-level XML file.
        root_dir: Folder that the paths in the XML files are relative to.
        mounts: Pairs (where files are, where the XML files say that they are).

    Returns:
        A workspace (pyhf JSON 1.0.0), for `Likelihood.from_workspace`, `hfscale.cls`, or a JSON file.

    Raises:
        SourceError: The package uproot is not installed, a file or histogram cannot be read, or the files say
            something that a workspace cannot.
    """
    try:
        from pyhf import readxml
    except ImportError as error:
        raise SourceError(
            f"{config_file} cannot be read: XML and ROOT files need the package uproot",
            remedy="install it with: pip install 'hfscale[xml]'",
        ) from error
    from pyhf.exceptions import InvalidSpecification

    try:
        return dict(readxml.parse(config_file, root_dir, mounts=list(mounts)))
    except (
        InvalidSpecification,
        ParseError,
        LookupError,
        NotImplementedError,
        OSError,
        RuntimeError,
        ValueError,
    ) as error:
        raise SourceError(
            f"{config_file} cannot be read: {error}",
            remedy="check the XML files, the folder that their paths are relative to, and the ROOT files",
        ) from error
    finally:
        readxml.clear_filecache()  # pyhf keeps files open otherwise, and would not notice that they changed


def to_xml(workspace: WorkspaceSource, folder: str | Path, prefix: str = "FitConfig") -> None:
    """Write a workspace as the XML files of a HistFactory model with its ROOT histograms, by pyhf.

    Paths in the files begin at the folder above `folder`. Settings under the key ``hfscale`` have no place in them.

    Args:
        workspace: A file, ``ARCHIVE::MEMBER`` or the document.
        folder: New folder; the top-level file in it is ``PREFIX.xml``.
        prefix: What the names of the files begin with.

    Raises:
        SourceError: The package uproot is not installed, or the workspace cannot be read.
        InputError: The folder exists, or the workspace holds something that the files cannot say.
    """
    target = Path(folder)
    if target.exists() or not target.absolute().parent.is_dir():
        raise InputError(f"{folder} exists, or the folder above it does not", remedy="give the name of a new folder")
    document = read_workspace(workspace).content
    measurements = [measurement for measurement in document["measurements"] if KEY in measurement["config"]]
    if measurements:
        raise InputError(
            f"the measurement {measurements[0]['name']!r} has the key {KEY!r}, which XML files have no place for",
            remedy="remove it, if the model is meant without",
        )
    try:
        from pyhf import writexml
    except ImportError as error:
        raise SourceError(
            "XML and ROOT files need the package uproot", remedy="install it with: pip install 'hfscale[xml]'"
        ) from error
    with tempfile.TemporaryDirectory(dir=target.absolute().parent, prefix=f".{target.name}.") as draft:
        inner = Path(draft) / target.name
        inner.mkdir()
        text = writexml.writexml(dict(document), inner, inner, prefix)
        # pyhf writes the folder that it was given into the files; theirs is the one that they will have.
        for file in inner.glob("*.xml"):
            file.write_text(_moved(file.read_text(encoding="utf-8"), inner, target), encoding="utf-8")
        (inner / f"{prefix}.xml").write_text(_moved(text.decode("utf-8"), inner, target), encoding="utf-8")
        shutil.copy(Path(draft) / _DTD, inner / _DTD)
        inner.rename(target)


def _moved(text: str, draft: Path, target: Path) -> str:
    return text.replace(str(draft), target.name).replace(f"'../{_DTD}'", f"'{_DTD}'")
