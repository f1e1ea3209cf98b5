from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml

from tests.program import Ended, Search
from tests.sites.fake_slurm import FakeSlurm, make_fake_slurm


@pytest.fixture
def campaign(small: Search) -> Path:
    """A campaign of the small search, five tasks."""
    document = {
        "schema": 1,
        "workspace": "BkgOnly.json",
        "patchset": "patchset.json",
        "store": "results.zarr",
        "run": {"task_points": 2},
    }
    file = small.folder / "campaign.yaml"
    file.write_text(yaml.safe_dump(document))
    return file


@pytest.fixture
def fake_slurm(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> FakeSlurm:
    """SLURM's commands, made up, and first on the path."""
    fake = make_fake_slurm(tmp_path_factory.mktemp("slurm"))
    monkeypatch.setenv("PATH", f"{fake.commands}:/usr/bin:/bin")
    return fake


@pytest.fixture
def refused() -> Callable[..., None]:
    """Check that a command ended as bad input must: code 2, nothing on standard output, one clear error."""

    def check(ended: Ended, *said: object) -> None:
        assert (ended.code, ended.out) == (2, ""), ended
        assert ended.err.count("error:") >= 1
        for text in said:
            assert str(text) in ended.err

    return check


@pytest.fixture(scope="session")
def slurm_conf(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A SLURM that runs; the file that SLURM_CONF is to name."""
    from tests.sites.slurm_daemons import missing_program, running_slurm

    missing = missing_program()
    if missing is not None:
        pytest.skip(f"SLURM is not installed: no {missing} (Debian packages slurm-wlm, slurmctld, slurmd and munge)")
    with running_slurm(tmp_path_factory.mktemp("s")) as configuration:
        yield configuration
