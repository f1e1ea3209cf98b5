"""Write the background-only workspace and the patchset of the embedded example.

Usage: python pipelines/exclusion/generate.py [FOLDER]

The same files, byte for byte, on every run: nothing depends on the time, the folder or an unseeded random number.
"""

import hashlib
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from search.backgrounds import samples
from search.channels import CHANNELS
from search.detector import LUMINOSITY_UNCERTAINTY
from search.gluinos import patch, signal_points

SEED = 139
"""Seed of the pseudo-data."""


def main(argv: Sequence[str]) -> int:
    """Write BkgOnly.json and patchset.json into the folder given, by default that of this script."""
    folder = Path(argv[0]) if argv else Path(__file__).parent
    background_only = workspace()
    _write(folder / "BkgOnly.json", background_only)
    _write(folder / "patchset.json", patchset(background_only))
    return 0


def workspace() -> dict[str, Any]:
    """The background-only workspace with its pseudo-data."""
    channels = [{"name": channel.name, "samples": samples(channel)} for channel in CHANNELS]
    sigma = LUMINOSITY_UNCERTAINTY
    luminosity = {
        "name": "lumi",
        "auxdata": [1.0],
        "bounds": [[1.0 - 5.0 * sigma, 1.0 + 5.0 * sigma]],
        "inits": [1.0],
        "sigmas": [sigma],
    }
    return {
        "channels": channels,
        "measurements": [{"name": "exclusion", "config": {"poi": "mu_SIG", "parameters": [luminosity]}}],
        "observations": pseudo_data(channels),
        "version": "1.0.0",
    }


def pseudo_data(channels: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """One Poisson draw from the nominal background of every bin."""
    # RandomState, not Generator: numpy promises that its stream never changes.
    random = np.random.RandomState(SEED)
    observations = []
    for channel in channels:
        expected = np.sum([sample["data"] for sample in channel["samples"]], axis=0)
        observations.append({"name": channel["name"], "data": random.poisson(expected).tolist()})
    return observations


def patchset(background_only: dict[str, Any]) -> dict[str, Any]:
    """The patchset of all signal points, tied to the workspace by its digest."""
    patches = [
        {"metadata": {"name": point.name, "values": [point.m_gluino, point.m_lsp]}, "patch": patch(point)}
        for point in signal_points()
    ]
    metadata = {
        "description": "Made-up search for pair-produced gluinos; no such HEPData record exists",
        "digests": {"sha256": digest(background_only)},
        "labels": ["m_gluino", "m_lsp"],
        "references": {"hepdata": "ins0000000"},
    }
    return {"metadata": metadata, "patches": patches, "version": "1.0.0"}


def digest(document: dict[str, Any]) -> str:
    """The SHA-256 that pyhf computes for a workspace: of its JSON with sorted keys."""
    return hashlib.sha256(json.dumps(document, sort_keys=True, ensure_ascii=False).encode("utf8")).hexdigest()


def _write(path: Path, document: dict[str, Any]) -> None:
    text = json.dumps(document, sort_keys=True, separators=(",", ":"), allow_nan=False)
    path.write_bytes(text.encode("utf8") + b"\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
