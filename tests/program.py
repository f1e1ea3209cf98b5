"""Running the command line in this process, and a search so small that its model compiles in no time."""

import hashlib
import io
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyhf
import pytest
import xarray

from hfscale.cli.main import main

ROOT = Path(__file__).parents[1]
EXAMPLE = ROOT / "pipelines" / "exclusion"
PYHF_WARNING = "ignore:jsonschema.RefResolver is deprecated:DeprecationWarning"
"""Raised by pyhf 0.7.6, which still uses it."""

Spec = dict[str, Any]


class Ended(NamedTuple):
    """How a command ended, and what it wrote."""

    code: int
    out: str
    err: str

    def json(self) -> Any:
        """Parse standard output as JSON; NaN and Infinity, which are no JSON, are refused."""
        return json.loads(self.out, parse_constant=_refuse)


def _refuse(literal: str) -> None:
    raise ValueError(f"{literal} is no JSON")


class _Stream(io.StringIO):
    # What a text file has and StringIO has not.
    mode = "w"
    name = "stream"


def hfscale(*arguments: object) -> Ended:
    """Run ``hfscale`` with these arguments."""
    out, err = _Stream(), _Stream()
    with redirect_stdout(out), redirect_stderr(err), pytest.raises(SystemExit) as ended:
        main([str(argument) for argument in arguments])
    code = ended.value.code
    assert isinstance(code, int)
    return Ended(code, out.getvalue(), err.getvalue())


def start_hfscale(*arguments: object) -> "subprocess.Popen[str]":
    """Start ``hfscale`` in a process and session of its own, for tests that send signals to it."""
    return subprocess.Popen(
        [sys.executable, "-c", "from hfscale.cli.main import main; main()", *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def copy_store(store: Path, folder: Path) -> Path:
    """Copy a store, for a test that changes it."""
    return Path(shutil.copytree(store, folder / "copy.zarr"))


def arrays_of(store: Path) -> dict[str, np.ndarray]:
    """Return all arrays of a store, those of its toys too, by name."""
    found = xarray.open_datatree(store, engine="zarr", chunks=None)
    return {
        f"{group.path}/{name}": values.values for group in found.subtree for name, values in group.variables.items()
    }


def digests_of(store: Path) -> dict[str, str]:
    """Return the SHA-256 of all arrays of a store, those of its toys too, by name."""
    # Arrays of text hold the addresses of longer ones.
    plain = {name: a if a.dtype.kind in "biuf" else np.array(a.tolist()) for name, a in arrays_of(store).items()}
    return {name: hashlib.sha256(np.ascontiguousarray(a).tobytes()).hexdigest() for name, a in plain.items()}


def write(path: Path, document: Any) -> Path:
    """Write a JSON document, or a text as it is."""
    path.write_text(document if isinstance(document, str) else json.dumps(document))
    return path


def small_workspace() -> Spec:
    """A counting experiment in two bins with an uncertain background."""
    background = {
        "name": "background",
        "data": [50.0, 10.0],
        "modifiers": [{"name": "scale", "type": "normsys", "data": {"hi": 1.1, "lo": 0.9}}],
    }
    return {
        "channels": [{"name": "SR", "samples": [background]}],
        "observations": [{"name": "SR", "data": [52.0, 9.0]}],
        "measurements": [{"name": "counting", "config": {"poi": "mu", "parameters": []}}],
        "version": "1.0.0",
    }


def signal_patch(yields: Sequence[float], *modifiers: Spec) -> list[Spec]:
    """Add a signal sample that the POI ``mu`` scales."""
    scale = {"name": "mu", "type": "normfactor", "data": None}
    sample = {"name": "signal", "data": list(yields), "modifiers": [scale, *modifiers]}
    return [{"op": "add", "path": "/channels/0/samples/-", "value": sample}]


def small_patchset(workspace: Spec) -> Spec:
    """A plane of three times three masses; light signals are excluded, heavy ones are not."""
    patches = [
        {
            "metadata": {"name": f"s_{heavy}_{light}", "values": [heavy, light]},
            "patch": signal_patch([1.2e3 / heavy, (1.6e3 - light) / heavy * 1.5]),
        }
        for heavy in (200, 400, 800)
        for light in (0, 100, 150)
    ]
    return patchset_of(workspace, patches, ["m_heavy", "m_light"])


def patchset_of(workspace: Spec, patches: list[Spec], labels: list[str]) -> Spec:
    """Make a patchset for a workspace."""
    metadata = {
        "references": {"hepdata": "ins0000000"},
        "description": "made up",
        "digests": {"sha256": pyhf.utils.digest(workspace)},
        "labels": labels,
    }
    return {"metadata": metadata, "patches": patches, "version": "1.0.0"}


class Search(NamedTuple):
    """The files of a small search, in a folder of their own."""

    folder: Path
    workspace: Path
    patchset: Path
    store: Path

    def cls(self, *arguments: object) -> Ended:
        """Run ``hfscale cls`` on them in this process."""
        given = (self.workspace, self.patchset, "-o", self.store, "--executor", "local")
        return hfscale("cls", *given, *arguments)

    def left(self) -> list[str]:
        """Return what else lies in the folder, hidden files too."""
        return sorted(path.name for path in self.folder.iterdir() if path not in (self.workspace, self.patchset))


def make_search(folder: Path, workspace: Any = None, patchset: Any = None) -> Search:
    """Write a small search into a folder, with other documents (or texts) than its own where they are given."""
    proper = small_workspace()
    return Search(
        folder,
        write(folder / "BkgOnly.json", proper if workspace is None else workspace),
        write(folder / "patchset.json", small_patchset(proper) if patchset is None else patchset),
        folder / "results.zarr",
    )
