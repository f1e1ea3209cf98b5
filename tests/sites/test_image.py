"""The recipes of container images: what they pin, and that the commands of the build work in an empty environment."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.program import EXAMPLE, ROOT

FOLDER = ROOT / "cluster" / "image"
CONTAINERFILE = (FOLDER / "Containerfile").read_text()


def commands() -> list[str]:
    """The commands of the stage that builds."""
    stage = CONTAINERFILE.partition("AS build")[2].partition("\nFROM")[0]
    return re.findall(r"^RUN (.+)$", stage, re.MULTILINE)


def test_the_image_is_pinned_and_has_no_root() -> None:
    images = re.findall(r"^FROM (\S+)", CONTAINERFILE, re.MULTILINE)
    assert set(images) == {"docker.io/library/python:${PYTHON}"}
    assert re.search(r"^ARG PYTHON=\d+\.\d+\.\d+-slim", CONTAINERFILE, re.MULTILINE)
    assert "\nUSER 1000:1000\n" in CONTAINERFILE
    for name in ("requirements.txt", "requirements-cuda.txt"):
        lines = [line for line in (FOLDER / name).read_text().splitlines() if not line.startswith("#")]
        assert len(lines) > 10 and all(re.fullmatch(r"[\w.-]+==[\w.]+", line) for line in lines), name


def test_the_image_for_apptainer_is_built_by_the_same_commands() -> None:
    definition = (FOLDER / "hfscale.def").read_text()
    (version,) = re.findall(r"^ARG PYTHON=(\S+)", CONTAINERFILE, re.MULTILINE)
    assert f"\nFrom: docker.io/library/python:{version}\n" in definition
    post = definition.partition("%post\n")[2].partition("\n%")[0]
    assert [line.strip() for line in post.splitlines() if line.strip()][1:-1] == commands()


@pytest.mark.slow
def test_the_commands_of_the_build_work_in_an_empty_environment(tmp_path: Path) -> None:
    if sys.version_info[:2] != (3, 11):
        pytest.skip("the image has Python 3.11, and its versions of packages are for that")
    source = tmp_path / "src"
    shutil.copytree(ROOT / "cluster", source / "cluster")
    for name in ("hfscale", "pipelines", "examples"):
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__", "*.zarr"))
    for name in ("pyproject.toml", "README.md", "LICENSE", "CHANGELOG.md", "CONTRIBUTING.md"):
        shutil.copy(ROOT / name, source)
    installed = tmp_path / "hfscale"
    kept = ("PATH", "HOME", "PIP_INDEX_URL", "PIP_CERT", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "HTTPS_PROXY")
    environment = {name: os.environ[name] for name in kept if name in os.environ}
    environment |= {"VARIANT": "cpu", "NPROC": "1", "MPLBACKEND": "Agg"}
    for command in commands():
        here = command.replace("/opt/hfscale", str(installed)).replace("/src", str(source))
        here = here.replace("python -m venv", f"{sys.executable} -m venv")
        run(["/bin/sh", "-c", here], environment)
    shutil.rmtree(source)
    program = str(installed / "bin" / "hfscale")
    assert run([program, "--version"], environment).startswith("hfscale")
    store = str(tmp_path / "results.zarr")
    inputs = [str(EXAMPLE / "BkgOnly.json"), str(EXAMPLE / "patchset.json")]
    run([program, "cls", *inputs, "-o", store, "--executor", "local"], environment)
    assert '"status": "ok"' in run([program, "show", store, "--json"], environment)
    site = run([program, "submit", "--help"], environment)
    assert "kubernetes" in site


def run(command: list[str], environment: dict[str, str]) -> str:
    """Run a command that must succeed, and return what it wrote."""
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False, timeout=900)
    assert done.returncode == 0, f"{command}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    return done.stdout
