"""The verb ``doctor``."""

import os
from pathlib import Path

import pytest

from hfscale.cli.doctor import look_at_programs
from hfscale.doctor import machine
from tests.program import hfscale


def test_every_part_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NPROC", "2")
    ended = hfscale("doctor", "--seconds", 0)
    assert ended.code == 0, ended
    for heading in ("versions:", "threads:", "memory:", "compiled programs:", "devices:"):
        assert heading in ended.out.splitlines()
    assert "hint: 2 threads per process" in ended.out
    assert "set NPROC=1" in ended.out
    found = hfscale("doctor", "--seconds", 0, "--json").json()
    assert found["versions"]["jax"]
    assert found["versions"]["numpy"]
    assert found["devices"]["default"] == "cpu"
    assert found["threads"]["allowed"] == len(os.sched_getaffinity(0))
    assert found["memory"]["total"] > 0
    assert found["errors"] == {}


def test_what_is_wrong_with_one_part_hides_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> machine.Part:
        raise RuntimeError("no such backend")

    monkeypatch.setattr(machine, "devices", broken)
    ended = hfscale("doctor", "--seconds", 0)
    assert ended.code == 1
    assert "error: devices: RuntimeError: no such backend" in ended.err
    assert "memory:" in ended.out.splitlines()
    found = hfscale("doctor", "--seconds", 0, "--json").json()
    assert found["errors"] == {"devices": "RuntimeError: no such backend"}
    assert found["versions"]["python"]


def test_the_folder_of_compiled_programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JAX_COMPILATION_CACHE_DIR", str(tmp_path))
    tmp_path.chmod(0o700)
    (tmp_path / "jit-1-cache").write_bytes(b"12345")
    (tmp_path / "jit-1-atime").write_bytes(b"1")
    part = look_at_programs()
    assert dict(part.values) == {
        "folder": str(tmp_path),
        "used": True,
        "permissions": "0700",
        "entries": 1,
        "size": 5,
    }
    assert part.hints == ()
    tmp_path.chmod(0o777)
    assert any(f"chmod go-w {tmp_path}" in hint for hint in look_at_programs().hints)
    monkeypatch.delenv("JAX_COMPILATION_CACHE_DIR")
    monkeypatch.setenv("HFSCALE_CACHE", "off")
    assert look_at_programs().values == {"folder": None}


@pytest.mark.slow
def test_the_self_test_says_how_many_fits_there_are_per_second() -> None:
    ended = hfscale("doctor", "--seconds", 0.2, "--json")
    assert ended.code == 0, ended
    assert ended.json()["self_test"]["fits_per_second"] > 0.0
