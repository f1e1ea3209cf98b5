import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyhf.utils
import pytest


def sample(name: str, data: list[float], *modifiers: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "data": data, "modifiers": list(modifiers)}


def signal_sample(bins: int, scale: float = 1.0) -> dict[str, Any]:
    numbers = [scale * (index + 1) for index in range(bins)]
    return sample(
        "signal",
        numbers,
        {"name": "mu", "type": "normfactor", "data": None},
        {"name": "xs", "type": "normsys", "data": {"lo": 0.9, "hi": 1.1}},
        {"name": "jes", "type": "histosys", "data": {"lo_data": numbers, "hi_data": numbers}},
    )


@pytest.fixture
def workspace() -> dict[str, Any]:
    """Return a background workspace of two channels (2 and 1 bins), without the signal that its POI scales."""
    stat = {"name": "stat_SR", "type": "staterror", "data": [1.0, 2.0]}
    shape = {"name": "shape", "type": "shapesys", "data": [0.5, 0.5]}
    lumi = {"name": "lumi", "type": "lumi", "data": None}
    norm = {"name": "mu_top", "type": "normfactor", "data": None}
    return {
        "channels": [
            {
                "name": "SR",
                "samples": [sample("top", [10.0, 20.0], stat, norm), sample("fakes", [3.0, 4.0], shape, lumi)],
            },
            {"name": "CR", "samples": [sample("top", [100.0], norm)]},
        ],
        "observations": [{"name": "SR", "data": [14.0, 25.0]}, {"name": "CR", "data": [99.0]}],
        "measurements": [
            {"name": "main", "config": {"poi": "mu", "parameters": [{"name": "mu", "bounds": [[0.0, 10.0]]}]}},
            {"name": "top", "config": {"poi": "mu_top", "parameters": []}},
        ],
        "version": "1.0.0",
    }


@pytest.fixture
def patchset(workspace: dict[str, Any]) -> dict[str, Any]:
    """Return three signal points in a plane of two masses; the last one adds no signal."""

    def patch(heavy: int, light: int, operations: list[dict[str, Any]]) -> dict[str, Any]:
        return {"metadata": {"name": f"s_{heavy}_{light}", "values": [heavy, light]}, "patch": operations}

    def add(channel: int, bins: int, scale: float) -> dict[str, Any]:
        return {"op": "add", "path": f"/channels/{channel}/samples/0", "value": signal_sample(bins, scale)}

    return {
        "metadata": {
            "references": {"hepdata": "ins1234567"},
            "description": "two masses",
            "digests": {"sha256": pyhf.utils.digest(workspace), "md5": pyhf.utils.digest(workspace, algorithm="md5")},
            "labels": ["m_heavy", "m_light"],
        },
        "patches": [
            patch(500, 100, [add(0, 2, 3.0), add(1, 1, 0.5)]),
            patch(600, 100, [add(0, 2, 2.0)]),
            patch(900, 800, []),
        ],
        "version": "1.0.0",
    }


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str, Any], Path]:
    """Return a function that writes a JSON document into the test's folder."""

    def write_json(name: str, document: Any) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(document), encoding="utf-8")
        return path

    return write_json
