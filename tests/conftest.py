"""Common to all tests: one thread, no display, and run-time checks of types and array shapes."""

import os
from pathlib import Path

import jaxtyping
import pytest

os.environ["NPROC"] = "1"
os.environ["JAX_PLATFORMS"] = "cpu"
os.environ["MPLBACKEND"] = "Agg"

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
