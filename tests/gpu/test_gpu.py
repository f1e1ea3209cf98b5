"""The embedded example on a real GPU. Skipped where JAX sees none, as on the machines that most tests run on."""

from pathlib import Path

import numpy as np
import pytest

from hfscale.runtime.devices import find_gpus
from tests.program import EXAMPLE, arrays_of, hfscale

pytestmark = [pytest.mark.gpu, pytest.mark.slow]


@pytest.fixture(scope="module", autouse=True)
def there_is_one() -> None:
    """Skip without a GPU; the tests compute in worker processes, because this one has told JAX to use CPUs."""
    with pytest.MonkeyPatch.context() as environment:
        environment.delenv("JAX_PLATFORMS", raising=False)
        if not find_gpus():
            pytest.skip("JAX sees no GPU here: install the extra 'cuda' on a machine that has one")


@pytest.fixture
def free(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("JAX_PLATFORMS", raising=False)


def run(store: Path, device: str, *options: str) -> Path:
    files = (EXAMPLE / "BkgOnly.json", EXAMPLE / "patchset.json")
    ended = hfscale("cls", *files, "-o", store, "--executor", "processes", "--workers", 1, "--device", device, *options)
    assert ended.code == 0, ended.err
    return store


def test_cls_is_that_of_the_cpu(tmp_path: Path, free: None) -> None:
    known, found = (arrays_of(run(tmp_path / f"{device}.zarr", device)) for device in ("cpu", "gpu"))
    for name in ("//q", "//CLs_obs", "//CLs_exp"):
        np.testing.assert_allclose(found[name], known[name], rtol=0.0, atol=1e-9, err_msg=name)


def test_toys_are_those_of_the_cpu(tmp_path: Path, free: None) -> None:
    options = ("--points", "gluino_2200_400", "--calctype", "toybased", "--ntoys", "500")
    known, found = (arrays_of(run(tmp_path / f"{device}.zarr", device, *options)) for device in ("cpu", "gpu"))
    np.testing.assert_array_equal(found["/toys/0000/status"], known["/toys/0000/status"])
    # A few toys have two minima, and another path may end in the other one.
    differ = np.abs(found["/toys/0000/q"] - known["/toys/0000/q"]) > 1e-9
    assert differ.mean() < 2e-3
