"""The verbs ``status`` and ``show``."""

from pathlib import Path

import pytest

from hfscale.store.files import done_folder
from tests.program import copy_store, hfscale


def test_status_of_a_finished_store(example_store: Path) -> None:
    ended = hfscale("status", example_store)
    assert (ended.code, ended.err) == (0, "")
    fields = dict(line.split("  ", 1) for line in ended.out.splitlines() if "  " in line)
    assert fields["points"].strip() == "88 of 88 done"
    assert fields["tasks"].strip() == "9 of 9 done, 0 failed"
    assert fields["rate"].strip().endswith(" points/s")


def test_status_as_json(example_store: Path) -> None:
    status = hfscale("status", example_store, "--json").json()
    assert status["finished"] is True
    assert status["points_per_second"] > 0.0
    assert (status["points_total"], status["points_ok"], status["points_pending"]) == (88, 88, 0)
    assert (status["tasks_total"], status["tasks_done"], status["failures"]) == (9, 9, {})


def test_an_unfinished_store_is_no_error(small_store: Path, tmp_path: Path) -> None:
    store = copy_store(small_store, tmp_path)
    for marker in done_folder(store).glob("*.json"):
        marker.unlink()
    ended = hfscale("status", store, "--json")
    assert ended.code == 0
    assert (ended.json()["finished"], ended.json()["points_pending"]) == (False, 9)
    assert (ended.json()["points_per_second"], ended.json()["seconds_left"]) == (None, None)
    points = hfscale("show", store, "--json").json()
    assert {point["status"] for point in points} == {"pending"}


def test_watching_a_finished_store_ends(small_store: Path) -> None:
    assert hfscale("status", small_store, "--watch").out.startswith("points")


def test_show_has_one_row_per_point(example_store: Path) -> None:
    ended = hfscale("show", example_store)
    lines = ended.out.splitlines()
    assert lines[0].split() == [
        "name",
        "status",
        "observed",
        "-2s",
        "-1s",
        "expected",
        "+1s",
        "+2s",
        "mu_hat",
        "asymptotics",
    ]
    assert len(lines) == 89
    assert lines[1].split()[:2] == ["gluino_1200_1", "ok"]
    assert len({len(line.split()) for line in lines}) == 1


def test_show_json_has_the_fields_of_the_contract(example_store: Path) -> None:
    (point,) = hfscale("show", example_store, "--point", "gluino_2200_400", "--json").json()
    assert point["name"] == "gluino_2200_400"
    assert point["values"] == {"m_gluino": 2200, "m_lsp": 400}
    assert all(isinstance(value, int) for value in point["values"].values())
    assert (point["status"], point["poi"]) == ("ok", 1.0)
    assert (point["calctype"], point["test_stat"]) == ("asymptotics", "qtilde")
    assert len(point["CLs_exp"]) == 5
    assert point["CLs_exp"] == sorted(point["CLs_exp"])
    assert set(point["twice_nll"]) == {"free", "conditional", "background"}
    assert point["CLs_obs"] == pytest.approx(point["CLsb"] / point["CLb"], rel=1e-12)
    drop = point["twice_nll"]["conditional"] - point["twice_nll"]["free"]
    assert point["q"] == pytest.approx(max(drop, 0.0), abs=1e-9)
    assert point["mu_hat_error"] > 0.0
    assert point["q_asimov"] > 0.0
    assert "reason" not in point


def test_show_takes_a_glob_of_names(example_store: Path) -> None:
    ended = hfscale("show", example_store, "--point", "gluino_1200_*", "--json")
    names = [point["name"] for point in ended.json()]
    assert names
    assert all(name.startswith("gluino_1200_") for name in names)
    assert len(names) == len(hfscale("show", example_store, "--point", "gluino_1200_*").out.splitlines()) - 1


def test_show_of_no_point_is_an_error_that_tells_the_names(example_store: Path) -> None:
    ended = hfscale("show", example_store, "--point", "squark_*")
    assert ended.code == 2
    assert "no signal point of" in ended.err
    assert "gluino_1200_1" in ended.err
