import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.templating.ntuples import CONFIG, write_inputs


@pytest.fixture
def inputs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Return the present folder, with ntuples and histograms in it."""
    monkeypatch.chdir(tmp_path)
    write_inputs(tmp_path)
    yield tmp_path


@pytest.fixture
def config() -> dict[str, Any]:
    """Return a configuration of its own, for a test that changes it."""
    return copy.deepcopy(CONFIG)
