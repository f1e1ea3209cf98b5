from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.program import Ended


@pytest.fixture
def refused() -> Callable[..., None]:
    """Check that a command ended as bad input must: code 2, nothing on standard output, one clear error."""

    def check(ended: Ended, *said: Any) -> None:
        assert ended.code == 2, ended
        assert ended.out == ""
        assert ended.err.count("error:") == 1
        assert "Traceback" not in ended.err
        for text in said:
            assert str(text) in ended.err

    return check


@pytest.fixture
def plain_folder(tmp_path: Path) -> Path:
    """Return a folder with something of the user's in it."""
    folder = tmp_path / "thesis"
    folder.mkdir()
    (folder / "chapter1.tex").write_text("important")
    return folder
