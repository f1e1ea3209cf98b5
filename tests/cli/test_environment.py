"""The environment of computing processes: threads, and the folder of compiled programs."""

import grp
import os
import pwd
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from hfscale.cli.environment import keep_compiled_programs, use_one_thread
from hfscale.errors import HfscaleWarning

EXAMPLE = Path(__file__).parents[2] / "pipelines" / "exclusion"


def test_threads_that_the_user_set_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NPROC", "4")
    monkeypatch.delenv("OPENBLAS_NUM_THREADS", raising=False)
    use_one_thread()
    assert os.environ["NPROC"] == "4"
    assert os.environ["OPENBLAS_NUM_THREADS"] == "1"


def test_the_folder_belongs_to_the_user_alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HFSCALE_CACHE", str(tmp_path))
    monkeypatch.setenv("JAX_COMPILATION_CACHE_DIR", "unset me")
    monkeypatch.delenv("JAX_COMPILATION_CACHE_DIR")
    folder = keep_compiled_programs()
    assert folder is not None
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert os.environ["JAX_COMPILATION_CACHE_DIR"] == str(folder)


@pytest.mark.parametrize("open_one", ["the folder", "one above it", "for a group"])
def test_a_folder_that_others_can_write_is_not_used(
    open_one: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    place = tmp_path / "place"
    place.mkdir(mode=0o755)
    monkeypatch.setenv("HFSCALE_CACHE", str(place))
    monkeypatch.delenv("JAX_COMPILATION_CACHE_DIR", raising=False)
    folder = keep_compiled_programs()
    assert folder is not None
    if open_one == "the folder":
        # Ours are made private again; a folder of JAX's setting is the user's.
        folder.chmod(0o777)
        with pytest.warns(HfscaleWarning, match="run code as you.*is used nevertheless"):
            assert keep_compiled_programs() is None
        return
    monkeypatch.delenv("JAX_COMPILATION_CACHE_DIR")
    place.chmod(0o777 if open_one == "one above it" else 0o775)
    os.chown(place, -1, place.stat().st_gid if open_one == "one above it" else foreign_group())
    with pytest.warns(HfscaleWarning, match="run code as you.*are not kept there"):
        assert keep_compiled_programs() is None
    assert "JAX_COMPILATION_CACHE_DIR" not in os.environ
    place.chmod(0o1777)
    assert keep_compiled_programs() == folder


def foreign_group() -> int:
    """Return a group that the user may give files to and that is not named after the user."""
    name = pwd.getpwuid(os.geteuid()).pw_name
    groups = [1] if os.geteuid() == 0 else [group for group in os.getgroups() if grp.getgrgid(group).gr_name != name]
    if not groups:
        pytest.skip("the user is in no other group")
    return groups[0]


def test_it_can_be_switched_off_or_left_to_the_user(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HFSCALE_CACHE", "off")
    assert keep_compiled_programs() is None
    monkeypatch.setenv("HFSCALE_CACHE", str(tmp_path))
    monkeypatch.setenv("JAX_COMPILATION_CACHE_DIR", "/elsewhere")
    assert keep_compiled_programs() is None
    assert os.environ["JAX_COMPILATION_CACHE_DIR"] == "/elsewhere"


def test_a_folder_that_cannot_be_made_is_no_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("HFSCALE_CACHE", str(tmp_path / "file"))
    monkeypatch.delenv("JAX_COMPILATION_CACHE_DIR", raising=False)
    assert keep_compiled_programs() is None


@pytest.mark.slow
def test_programs_are_kept_between_runs(tmp_path: Path) -> None:
    environment = {**os.environ, "HFSCALE_CACHE": str(tmp_path / "cache")}
    del environment["JAX_COMPILATION_CACHE_DIR"]
    for run in ("first", "second"):
        command = [sys.executable, "-c", "from hfscale.cli.main import main; main()", "cls", str(EXAMPLE)]
        command += ["-o", str(tmp_path / f"{run}.zarr"), "--points", "gluino_2200_*", "--executor", "local", "-q"]
        subprocess.run(command, env=environment, check=True)
        kept = sorted((tmp_path / "cache").rglob("*-cache"))
        if run == "first":
            first = kept
    assert first
    assert kept == first
