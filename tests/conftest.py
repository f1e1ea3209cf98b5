"""Common to all tests: one thread, no display, and run-time checks of types and array shapes."""

import importlib.util
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import hypothesis
import jaxtyping
import pytest

if TYPE_CHECKING:
    from hfscale.store.objects import ObjectPlace
    from tests.program import Search

os.environ["NPROC"] = "1"
os.environ["JAX_PLATFORMS"] = "cpu"
os.environ["MPLBACKEND"] = "Agg"
os.environ["HFSCALE_CACHE"] = "off"
# Most of the time goes into compiling small models. This generator of XLA takes half as long, and its programs are as
# fast; an empty XLA_FLAGS in the environment brings back the one that users have.
os.environ.setdefault("XLA_FLAGS", "--xla_cpu_use_fusion_emitters=false")
# One folder of compiled programs for this process and those that tests start, but one for each of pytest-xdist's
# workers: JAX writes its files in place, where another process could read the half of one.
PROGRAMS = tempfile.mkdtemp(prefix="hfscale-programs-")
os.environ["JAX_COMPILATION_CACHE_DIR"] = PROGRAMS
os.environ["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"] = "0.2"

# Machines are busy at times: no test has a time limit.
hypothesis.settings.register_profile("patient", deadline=None)
hypothesis.settings.load_profile("patient")

# Before anything imports hfscale: the hook wraps its functions while they are loaded.
jaxtyping.install_import_hook("hfscale", "beartype.beartype")


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip what needs Ray where it is not installed."""
    if item.get_closest_marker("ray") is not None and importlib.util.find_spec("ray") is None:
        pytest.skip("needs the extra 'ray'")


def pytest_unconfigure() -> None:
    """Remove the compiled programs."""
    shutil.rmtree(PROGRAMS, ignore_errors=True)


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


@pytest.fixture(scope="module")
def bucket() -> Iterator[str]:
    """URL of an empty bucket in an object store of the tests' own, and an environment that reaches it."""
    from tests.objects import serving

    with serving() as url:
        yield url


@pytest.fixture
def object_store(bucket: str, request: pytest.FixtureRequest) -> "ObjectPlace":
    """Where a store can be made in that bucket, another one for each test."""
    from hfscale.store.objects import ObjectPlace
    from hfscale.store.places import store_place

    found = store_place(f"{bucket}/{request.node.name}.zarr")
    assert isinstance(found, ObjectPlace)
    return found
