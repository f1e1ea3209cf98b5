"""Site files: what they say, and what is told of mistakes in them."""

from pathlib import Path

import pytest
import yaml

from hfscale.errors import InputError, SchemaError, SourceError
from hfscale.sites.sitefile import load_site, ready_sites
from hfscale.sites.systems import system_of


@pytest.mark.parametrize("name", ["slurm", "htcondor"])
def test_ready_sites_are_complete(name: str) -> None:
    site = load_site(name)
    assert name in ready_sites()
    assert (site.kind, site.mode, site.resources.walltime) == (name, "array", 4 * 3600)
    system_of(site)


@pytest.mark.parametrize(
    ("written", "seconds"),
    [("04:00:00", 14400), ("10:00:00", 36000), ("'1-02:03:04'", 93784), ("90m", 5400), ("1.5h", 5400), ("2d", 172800)],
)
def test_walltimes_are_read_however_yaml_takes_them(tmp_path: Path, written: str, seconds: int) -> None:
    file = tmp_path / "site.yaml"
    file.write_text(f"kind: slurm\nresources:\n  walltime: {written}\n")
    assert load_site(str(file)).resources.walltime == seconds
    assert load_site("slurm", [f"walltime={written}"]).resources.walltime == seconds


@pytest.mark.parametrize(
    ("text", "place", "said"),
    [
        ("kind: slurm\nresources:\n  memory: 2G\n  wall_time: 1h\n", "line 4, resources.wall_time", "'walltime'"),
        ("kind: slurm\nstup: []\n", "line 2, stup", "did you mean 'setup'?"),
        ("kind: slurm\nresources: {walltime: soon}\n", "line 2, resources.walltime", "HH:MM:SS"),
        ("kind: slurm\nresources: {memory: 2 apples}\n", "line 2, resources.memory", "2G"),
        ("kind: slurm\nresources: {cpus: 0}\n", "line 2, resources.cpus", "greater than or equal to 1"),
        ("kind: slurm\nmode: pigeon\n", "line 2, mode", "'array'"),
        ("mode: array\n", "kind", "'kind' is missing"),
        ("kind: slurm\nkind: slurm\n", "line 2, column 1", "twice"),
        ("- slurm\n", None, "mapping"),
    ],
)
def test_mistakes_name_the_line_and_the_nearest_key(tmp_path: Path, text: str, place: str | None, said: str) -> None:
    file = tmp_path / "site.yaml"
    file.write_text(text)
    with pytest.raises(SchemaError) as caught:
        load_site(str(file))
    assert str(file) in caught.value.message
    assert caught.value.place == place
    assert said in str(caught.value)


def test_unknown_sites_kinds_modes_and_overrides_are_told(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="did you mean 'slurm'"):
        load_site("slrum")
    with pytest.raises(SourceError, match="cannot be read"):
        load_site(str(tmp_path / "none.yaml"))
    with pytest.raises(SchemaError, match="did you mean 'walltime'"):
        load_site("slurm", ["resources.waltime=1h"])
    file = tmp_path / "site.yaml"
    file.write_text(yaml.safe_dump({"kind": "slurn"}))
    with pytest.raises(InputError, match="did you mean 'slurm'"):
        system_of(load_site(str(file)))
    with pytest.raises(InputError, match="no mode 'ray'"):
        system_of(load_site("htcondor", ["mode=ray"]))
    with pytest.raises(InputError, match="no partitions"):
        system_of(load_site("htcondor", ["partition=short"]))
    with pytest.raises(InputError, match="SLURM transfers no files"):
        system_of(load_site("slurm", ["shared_filesystem=false"]))


def test_an_override_of_the_queue_takes_the_place_of_the_partition(tmp_path: Path) -> None:
    file = tmp_path / "site.yaml"
    file.write_text("kind: slurm\nresources: {partition: long, memory: 3G}\n")
    resources = load_site(str(file), ["queue=short", "resources.gpus=1"]).resources
    assert (resources.partition, resources.memory, resources.gpus) == ("short", 3072, 1)
