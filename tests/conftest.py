"""Common to all tests: one thread, no display, and run-time checks of types and array shapes."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

import jaxtyping
import pytest

if TYPE_CHECKING:
    from tests.program import Search

os.environ["NPROC"] = "1"
os.environ["JAX_PLATFORMS"] = "cpu"
os.environ["MPLBACKEND"] = "Agg"
os.environ["HFSCALE_CACHE"] = "off"

# Before anything imports hfscale: the hook wraps its functions while they are loaded.
jaxtyping.install_import_hook("hfscale", "beartype.beartype")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Return the folder of the published likelihoods; skip without it."""
    default = Path(__file__).parents[2] / "shared" / "data"
    folder = Path(os.environ.get("HFSCALE_TEST_DATA", default))
    if not (folder / "reference-cls.json").is_file():
        pytest.skip(f"no published likelihoods in {folder}; set HFSCALE_TEST_DATA to their folder")
    return folder


@pytest.fixture
def small(tmp_path: Path) -> "Search":
    """A small search in an empty folder."""
    from tests.program import make_search

    return make_search(tmp_path)


@pytest.fixture(scope="session")
def small_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The results of the small search; not to be changed."""
    from tests.program import make_search

    search = make_search(tmp_path_factory.mktemp("small"))
    assert search.cls("--task-points", "4").code == 0
    return search.store


@pytest.fixture(scope="session")
def example_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The results of the embedded example; not to be changed."""
    from tests.program import EXAMPLE, hfscale

    store = tmp_path_factory.mktemp("example") / "example.zarr"
    options = ("-o", store, "--executor", "local", "--task-points", "10")
    assert hfscale("cls", EXAMPLE / "BkgOnly.json", EXAMPLE / "patchset.json", *options).code == 0
    return store
