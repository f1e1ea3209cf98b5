"""Workspaces from the XML and ROOT files of HistFactory, read by pyhf."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import ParseError

from hfscale.errors import SourceError


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
