"""The self-test of the embedded example: it measures, and notices wrong numbers."""

import json
from pathlib import Path

import pytest

from hfscale.doctor import self_test as module
from hfscale.doctor.machine import threads
from hfscale.doctor.self_test import example_folder, self_test
from hfscale.errors import TaskError

REFERENCE = Path(__file__).parents[1] / "data" / "exclusion-reference-cls.json"


def test_the_reference_is_that_of_pyhf() -> None:
    assert json.loads(REFERENCE.read_text())["points"][module.REFERENCE_POINT]["CLs_obs"] == module.REFERENCE_CLS
    assert (example_folder() / "BkgOnly.json").is_file()


@pytest.mark.slow
def test_fits_are_counted_and_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    values = self_test(0.5).values
    assert values["points"] == 9
    assert values["fits"] >= 4 * values["points"]
    assert values["fits_per_second"] == pytest.approx(values["fits"] / values["seconds"])
    monkeypatch.setattr(module, "REFERENCE_CLS", 0.13)
    with pytest.raises(TaskError, match=r"is 0\.121497, but pyhf has 0\.13"):
        self_test(0.1)


def test_threads_that_fight_are_hinted_at() -> None:
    assert any("set NPROC=1" in hint for hint in threads({"NPROC": "2"}).hints)
    assert any(hint.startswith("all threads") for hint in threads({}).hints)
    assert not any("NPROC" in hint for hint in threads({"NPROC": "1"}).hints)
