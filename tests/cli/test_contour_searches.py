"""``hfscale contour`` of several searches, of significances, and with what else is drawn beside the two lines."""

import csv
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.program import Search, hfscale, write

Refused = Callable[..., None]
PLANE = ("-x", "m_heavy", "-y", "m_light")


def table(folder: Path, name: str, shift: float) -> Path:
    """A table of CLs that exclude up to m_heavy of about 400 + shift."""
    rows = []
    for heavy in range(200, 900, 100):
        for light in range(0, 200, 50):
            CLs = [
                min(0.05 * 2.0 ** ((heavy - shift - 400 + light + step) / 50), 1.0) for step in (0, -80, -40, 0, 40, 80)
            ]
            band = dict(
                zip(("CLs_exp_m2", "CLs_exp_m1", "CLs_exp_0", "CLs_exp_p1", "CLs_exp_p2"), CLs[1:], strict=True)
            )
            rows.append({"name": f"s_{heavy}_{light}", "m_heavy": heavy, "m_light": light, "CLs_obs": CLs[0], **band})
    with (folder / name).open("w", newline="") as stream:
        writer = csv.DictWriter(stream, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    return folder / name


def lines_of(path: Path) -> dict[str, list[tuple[float, float]]]:
    found: dict[str, list[tuple[float, float]]] = {}
    for row in csv.DictReader(path.read_text().splitlines()):
        found.setdefault(row["line"], []).append((float(row["x"]), float(row["y"])))
    return found


def reach(lines: dict[str, list[tuple[float, float]]], name: str) -> float:
    return max(x for x, _ in lines[name])


def test_several_are_drawn_over_each_other_or_the_best_of_them(tmp_path: Path) -> None:
    a, b = table(tmp_path, "a.csv", 0.0), table(tmp_path, "b.csv", 100.0)
    figure, lines = tmp_path / "both.svg", tmp_path / "lines.csv"
    ended = hfscale("contour", a, b, *PLANE, "-o", figure, "--csv", lines, "--label", "one", "--label", "two", "--json")
    assert ended.code == 0, ended
    found = lines_of(lines)
    assert {"one/observed", "two/observed", "one/expected_-1sigma"} <= set(found)
    assert reach(found, "two/observed") == pytest.approx(reach(found, "one/observed") + 100.0, abs=8.0)
    assert ended.json()["one"]["level"] == 0.05
    best = hfscale("contour", a, b, *PLANE, "--best-expected", "--csv", lines, "-o", tmp_path / "best.html")
    assert best.code == 0, best
    assert "b.csv at " in best.err
    assert reach(lines_of(lines), "observed") == pytest.approx(reach(found, "two/observed"))


def test_options_without_effect_are_refused(tmp_path: Path) -> None:
    a, b = table(tmp_path, "a.csv", 0.0), table(tmp_path, "b.csv", 100.0)
    for arguments, said in (
        ((a, b, "-o", tmp_path / "c.html"), "HTML"),
        ((a, b, "--suggest", "3"), "--suggest"),
        ((a, b, "--csv", tmp_path / "c.csv", "--label", "one"), "2 stores need as many different --label"),
        ((a, "--discovery", "--csv", tmp_path / "c.csv"), "not of a table"),
        ((a, "--discovery", "3,x", "--csv", tmp_path / "c.csv"), "for example 3,5"),
        ((a, "--numbers-from", b, "--csv", tmp_path / "c.csv"), "needs --numbers"),
        ((a, "--numbers", "mu_hat", "--csv", tmp_path / "c.csv"), "no number 'mu_hat'"),
        ((a, "--style-file", tmp_path / "no.mplstyle", "-o", tmp_path / "c.pdf"), "no.mplstyle cannot be read"),
    ):
        ended = hfscale("contour", *arguments, *PLANE)
        assert (ended.code, said in ended.err) == (2, True), ended
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.csv", "b.csv"]


def test_theory_lines_limits_as_numbers_and_discoveries_of_stores(small: Search, refused: Refused) -> None:
    assert small.cls("--signal-uncertainty", "0.3").code == 0
    limits, significance = small.folder / "limits.zarr", small.folder / "significance.zarr"
    for verb, store in (("limit", limits), ("significance", significance)):
        assert hfscale(verb, small.workspace, small.patchset, "-o", store, "--executor", "local").code == 0
    style = write(small.folder / "own.mplstyle", "font.size: 9\n")
    figure, lines = small.folder / "c.svg", small.folder / "lines.csv"
    options = ("--numbers", "limit", "--numbers-from", limits, "--bands", 2, "--expected-line", -1, "--x-unit", "GeV")
    ended = hfscale("contour", small.store, *PLANE, *options, "--style-file", style, "-o", figure, "--csv", lines)
    assert ended.code == 0, ended
    found = lines_of(lines)
    assert reach(found, "observed_signal_-1sigma") < reach(found, "observed") < reach(found, "observed_signal_+1sigma")
    ids = figure.read_text()
    shown = [row["upper_limit_obs"] for row in hfscale("show", limits, "--json").json()]
    assert ids.count('id="number') == sum(limit is not None for limit in shown) > 5
    assert all(f'id="{name}' in ids for name in ("two-sigma band", "expected -1 sigma", "observed signal"))
    Z = {row["values"]["m_heavy"]: row["Z_exp"][2] for row in hfscale("show", significance, "--json").json()}
    middle = f"{sum(sorted(Z.values())[:2]) / 2:.4f}"
    drawn = hfscale("contour", significance, *PLANE, "--discovery", middle, "--csv", lines, "--numbers", "Z", "--json")
    assert drawn.code == 0, drawn
    assert drawn.json()["significances"] == [pytest.approx(float(middle))]
    assert list(lines_of(lines)) == [f"expected_Z={float(middle):g}"]
    refused(hfscale("contour", small.store, *PLANE, "--discovery", "-o", figure), "results of kind cls")
    assert json.loads(hfscale("show", small.store, "--json").out)


def test_campaigns_choose_how_contours_look(small: Search) -> None:
    write(small.folder / "own.mplstyle", "figure.figsize: 3, 4\n")
    contour = (
        "{x: m_heavy, y: m_light, output: c.svg, style_file: own.mplstyle, x_unit: GeV, bands: 2, expected_lines: [-1],"
        " numbers: CLs, title: A campaign}"
    )
    text = (
        "schema: 1\nworkspace: BkgOnly.json\npatchset: patchset.json\nstore: run.zarr\nrun: {executor: local}\n"
        f"calculation: {{signal_uncertainty: 0.2}}\ncontours: [{contour}]\n"
    )
    campaign = write(small.folder / "campaign.yaml", text)
    ended = hfscale("run", campaign)
    assert ended.code == 0, ended
    drawn = (small.folder / "c.svg").read_text()
    assert 'width="216pt" height="288pt"' in drawn
    assert all(f'id="{name}' in drawn for name in ("two-sigma band", "expected -1 sigma", "observed signal", "number"))
    wrong = hfscale("run", campaign, "--set", "contours.0.style_file=no.mplstyle", "--set", "store=other.zarr")
    assert (wrong.code, "no.mplstyle cannot be read" in wrong.err) == (2, True)
    assert not (small.folder / "other.zarr").exists()
