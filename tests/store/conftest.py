from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hfscale.plan.digests import digest, settings_document
from hfscale.plan.tasks import Task, make_plan
from hfscale.store.create import create_store
from hfscale.store.layout import FitStatus, PointStatus, empty_block
from hfscale.store.store import ResultStore

NAMES = [f"signal_{i}" for i in range(7)]
PARAMETERS = ["mu_SIG", "lumi", "alpha_JES"]
MU = np.array([1.0])


@pytest.fixture
def make_store(tmp_path: Path) -> Callable[..., ResultStore]:
    """Make a store of seven points in tasks of three, with two labels of numbers and one of text."""

    def make(path: Path | None = None, **changes: Any) -> ResultStore:
        settings = settings_document(
            {"workspace": "a" * 64}, "NormalMeasurement", "mu_SIG", {"test_poi": 1.0}, NAMES, ["m_x", "mu", "decay"]
        )
        arguments: dict[str, Any] = {
            "settings": settings,
            "inputs": {"workspace": {"channels": []}},
            "plan": make_plan(7, 3, digest(settings), NAMES),
            "labels": {
                "m_x": np.arange(7.0) * 100,
                "mu": np.arange(7.0),
                "decay": np.array(["tt", "bb", "tb", "tt", "bb", "tb", "tt"]),
            },
            "parameters": PARAMETERS,
            "mu": MU,
            "provenance": {"command": "cls"},
        }
        return create_store(path or tmp_path / "results.zarr", **(arguments | changes))

    return make


@pytest.fixture
def store(make_store: Callable[..., ResultStore]) -> ResultStore:
    return make_store()


@pytest.fixture
def block() -> Callable[[Task], dict[str, np.ndarray]]:
    """Make the arrays of a task; every number tells which point it belongs to."""

    def make(task: Task) -> dict[str, np.ndarray]:
        arrays = empty_block(task.n_points, len(MU), len(PARAMETERS))
        points = np.arange(task.start, task.stop, dtype=np.float64)
        for name, array in arrays.items():
            if array.dtype == np.float64:
                array[...] = points.reshape(-1, *([1] * (array.ndim - 1)))
            else:
                array[...] = PointStatus.OK if name == "status" else FitStatus.CONVERGED
        return arrays

    return make
