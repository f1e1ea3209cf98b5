"""Limits of control groups, as kernels and containers write them."""

from pathlib import Path

import pytest

from hfscale.doctor.limits import cpu_limit, memory_limit


def write(root: Path, **files: str) -> None:
    for name, text in files.items():
        file = root / name.replace("__", "/").replace("DOT", ".")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)


@pytest.fixture
def own(tmp_path: Path) -> Path:
    return tmp_path / "own"


def test_the_smallest_limit_on_the_way_up_holds(tmp_path: Path, own: Path) -> None:
    own.write_text("0::/slice/job/step\n")
    root = tmp_path / "root"
    write(root, slice__cpuDOTmax="150000 100000\n", slice__memoryDOTmax="4096\n")
    write(root, slice__job__cpuDOTmax="max 100000\n", slice__job__memoryDOTmax="max\n")
    write(root, slice__job__step__cpuDOTmax="400000 100000\n", slice__job__step__memoryDOTmax="8192\n")
    # A group beside it does not count.
    write(root, slice__other__cpuDOTmax="1000 100000\n", slice__other__memoryDOTmax="1\n")
    assert cpu_limit(root, own) == 1.5
    assert memory_limit(root, own) == 4096


def test_the_path_inside_a_container_may_be_that_outside(tmp_path: Path, own: Path) -> None:
    own.write_text("0::/../../kubepods/pod1\n")
    write(tmp_path / "root", cpuDOTmax="50000 100000\n")
    assert cpu_limit(tmp_path / "root", own) == 0.5


def test_version_1(tmp_path: Path, own: Path) -> None:
    own.write_text("5:memory:/job\n4:cpu,cpuacct:/job\n1:name=systemd:/\n")
    root = tmp_path / "root"
    write(root, cpu__job__cpuDOTcfs_quota_us="200000\n", cpu__job__cpuDOTcfs_period_us="100000\n")
    write(root, cpu__cpuDOTcfs_quota_us="-1\n", cpu__cpuDOTcfs_period_us="100000\n")
    write(root, memory__job__memoryDOTlimit_in_bytes="1048576\n")
    write(root, memory__memoryDOTlimit_in_bytes="9223372036854771712\n")
    assert cpu_limit(root, own) == 2.0
    assert memory_limit(root, own) == 1048576


def test_without_control_groups_there_is_no_limit(tmp_path: Path, own: Path) -> None:
    assert cpu_limit(tmp_path, own) is None
    own.write_text("0::/\nnonsense\n")
    assert (cpu_limit(tmp_path, own), memory_limit(tmp_path, own)) == (None, None)
