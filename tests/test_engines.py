"""The same campaign gives the same store on every engine, to the last bit."""

from pathlib import Path

import numpy as np
import pytest

import hfscale
from tests.program import arrays_of, make_search

ENGINES = [
    "processes",
    pytest.param("dask", marks=[pytest.mark.dask, pytest.mark.slow]),
    pytest.param("ray", marks=[pytest.mark.ray, pytest.mark.slow]),
]


@pytest.fixture(scope="module")
def local_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Asymptotic CLs and toys of three points, computed in this process."""
    return compute(tmp_path_factory.mktemp("local"), "local", task_points=3, task_toys=60)


def compute(folder: Path, engine: str, task_points: int, task_toys: int) -> Path:
    search = make_search(folder)
    sizes = {"task_points": task_points, "task_toys": task_toys}
    toys = {"calctype": "toybased", "ntoys": 60, "seed": 3}
    hfscale.cls(
        search.workspace,
        search.patchset,
        store=search.store,
        points=["s_400_*"],
        executor=engine,  # type: ignore[arg-type]
        workers=2,
        **sizes,  # type: ignore[arg-type]
        **toys,  # type: ignore[arg-type]
    )
    return search.store


@pytest.mark.parametrize("engine", ENGINES)
def test_every_engine_gives_the_bits_of_a_run_in_one_process(engine: str, local_store: Path, tmp_path: Path) -> None:
    found, expected = arrays_of(compute(tmp_path, engine, task_points=1, task_toys=25)), arrays_of(local_store)
    assert found.keys() == expected.keys()
    assert sum(name.startswith("/toys/0000/") for name in expected) >= 4
    for name, values in expected.items():
        np.testing.assert_array_equal(found[name], values, err_msg=name)
