"""Histograms filled from branches that are read once are to the last bit those that cabinetry fills."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import uproot
from cabinetry.contrib import histogram_creator

from hfscale.templating import reading
from hfscale.templating.recipes import Template
from tests.program import PYHF_WARNING
from tests.templating.ntuples import write_tree

pytestmark = pytest.mark.filterwarnings(PYHF_WARNING, "ignore::ResourceWarning")

FILLED = [
    {"variable": "x"},
    {"variable": "x", "weight": "1.5"},
    {"variable": "n", "weight": "2", "selection": "n > 1"},
    {"variable": "sqrt(x) + n", "weight": "w*(1 + 0.1*x)", "selection": "(n > 0) & (x < 7)"},
    {"variable": "f", "weight": "where(f > 2, w, 0.5)"},
    {"variable": "f", "weight": "f", "selection": "f*w > 1"},
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with three files of one tree."""
    for k in range(3):
        random = np.random.default_rng(k)
        branches = {
            "x": random.exponential(4.0, 300),
            "n": random.integers(0, 9, 300),
            "f": random.uniform(0.0, 9.0, 300).astype(np.float32),
            "w": random.normal(1.0, 0.3, 300),
        }
        with uproot.recreate(tmp_path / f"file_{k}.root") as file:
            write_tree(file, "events", branches)
    return tmp_path


@pytest.mark.parametrize("names", [["file_0.root"], ["file_2.root", "file_0.root"], ["file_*.root"]])
@pytest.mark.parametrize("most_events", [reading._MOST_EVENTS, 10])
def test_what_is_filled_is_what_cabinetry_fills(
    folder: Path, names: list[str], most_events: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "_MOST_EVENTS", most_events)
    paths = tuple(str(folder / name) for name in names)
    with reading.OpenTrees() as trees:
        for given in FILLED:
            template = Template("t", "r", "s", paths, "events", bins=(0.0, 1.0, 2.5, 4.0, 8.0), **given)  # type: ignore[arg-type]
            ours = trees.fill(template, "events")
            theirs = histogram_creator.with_uproot(
                [Path(path) for path in paths],
                "events",
                template.variable,
                np.array(template.bins),
                weight=template.weight,
                selection_filter=template.selection,
            )
            assert ours.view(flow=True).tobytes() == theirs.view(flow=True).tobytes()
            assert ours.axes[0] == theirs.axes[0]


def test_a_branch_is_read_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[Any] = []
    opener = uproot.open
    monkeypatch.setattr(uproot, "open", lambda *args, **options: opened.append(args) or opener(*args, **options))
    template = Template("t", "r", "s", (str(folder / "file_1.root"),), "events", "x", (0.0, 1.0, 2.0), weight="w")
    with reading.OpenTrees() as trees:
        first = trees.fill(template, "events")
        # Nothing is left to be read but what is in memory.
        (folder / "file_1.root").write_bytes(b"gone")
        assert trees.fill(template, "events") == first
    assert len(opened) == 1
