"""The verb ``contour``."""

import csv
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.program import Search, hfscale, signal_patch, write

Refused = Callable[..., None]
AXES = ("-x", "m_gluino", "-y", "m_lsp")


def test_a_figure_in_every_format_and_a_table(example_store: Path, tmp_path: Path) -> None:
    files = [tmp_path / f"contour.{suffix}" for suffix in ("pdf", "png", "svg")]
    outputs = [word for file in files for word in ("-o", file)]
    table = tmp_path / "contour.csv"
    ended = hfscale("contour", example_store, *AXES, *outputs, "--csv", table)
    assert (ended.code, ended.out) == (0, "")
    assert all(f"wrote {file}" in ended.err for file in [*files, table])
    beginnings = [file.read_bytes()[:5] for file in files]
    assert beginnings == [b"%PDF-", b"\x89PNG\r", b"<?xml"]
    rows = list(csv.DictReader(table.read_text().splitlines()))
    assert {"observed", "expected", "expected_-1sigma", "expected_+1sigma"} <= {row["line"] for row in rows}
    assert all(1200 <= float(row["x"]) <= 2600 for row in rows)


def test_the_contour_lies_between_excluded_and_other_points(example_store: Path, tmp_path: Path) -> None:
    table = tmp_path / "contour.csv"
    assert hfscale("contour", example_store, *AXES, "--csv", table).code == 0
    light = [
        float(row["x"])
        for row in csv.DictReader(table.read_text().splitlines())
        if row["line"] == "observed" and float(row["y"]) < 150.0
    ]
    points = {
        point["values"]["m_gluino"]: point["CLs_obs"]
        for point in hfscale("show", example_store, "--json").json()
        if point["values"]["m_lsp"] == 1
    }
    assert max(mass for mass, CLs in points.items() if CLs < 0.05) <= min(light)
    assert max(light) <= min(mass for mass, CLs in points.items() if CLs > 0.05)


def test_axes_are_expressions_and_points_can_be_selected(example_store: Path, tmp_path: Path) -> None:
    file = tmp_path / "contour.png"
    ended = hfscale(
        *("contour", example_store, "-x", "m_gluino", "-y", "m_gluino - m_lsp", "-o", file),
        *("--select", "m_gluino >= 1600", "--interpolation", "rbf", "--style", "ATLAS", "--title", "Example"),
    )
    assert ended.code == 0, ended
    assert file.stat().st_size > 10_000


def test_no_crossing_is_a_message_and_no_error(example_store: Path, tmp_path: Path) -> None:
    file = tmp_path / "contour.svg"
    ended = hfscale("contour", example_store, *AXES, "--select", "m_gluino <= 1400 and m_lsp < 500", "-o", file)
    assert ended.code == 0
    assert "there is no observed contour: all " in ended.err
    assert file.exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("-x", "m_squark", "-y", "m_lsp"), ("no label 'm_squark'", "m_gluino, m_lsp")),
        (("-x", "m_gluino +", "-y", "m_lsp"), ("'m_gluino +' is not an expression", "remedy")),
        ((*AXES, "--select", "m_lsp"), ("m_lsp",)),
        ((*AXES, "--select", "m_lsp == 7"), ("no signal point of 88 has m_lsp == 7", "m_lsp from 1 to 1700")),
        ((*AXES, "--select", "m_lsp == 1"), ("lie on one line", "remedy")),
        (("-x", "__import__('os')", "-y", "m_lsp"), ("error",)),
    ],
)
def test_bad_axes(
    example_store: Path, tmp_path: Path, refused: Refused, arguments: tuple[str, ...], said: tuple[str, ...]
) -> None:
    refused(hfscale("contour", example_store, *arguments, "-o", tmp_path / "c.pdf"), *said)
    assert list(tmp_path.iterdir()) == []


def test_bad_outputs_are_refused_before_any_is_written(example_store: Path, tmp_path: Path, refused: Refused) -> None:
    good = ("-o", tmp_path / "good.pdf")
    refused(hfscale("contour", example_store, *AXES, *good, "-o", tmp_path / "bad.jpeg"), "'bad.jpeg'", ".pdf")
    refused(hfscale("contour", example_store, *AXES, *good, "-o", tmp_path / "no" / "bad.pdf"), "make the folder first")
    assert list(tmp_path.iterdir()) == []


def test_an_output_is_needed(example_store: Path) -> None:
    ended = hfscale("contour", example_store, *AXES)
    assert ended.code == 2
    assert "-o FILE" in ended.err


def lines_of(table: Path) -> dict[str, list[tuple[float, float]]]:
    """The vertices of each line of a table."""
    found: dict[str, list[tuple[float, float]]] = {}
    for row in csv.DictReader(table.read_text().splitlines()):
        found.setdefault(row["line"], []).append((float(row["x"]), float(row["y"])))
    return found


PLANE = ("-x", "m_heavy", "-y", "m_light")
TOYS = ("--calctype", "toybased", "--executor", "local")


def test_limits_from_toys_have_a_contour_with_its_uncertainty(small: Search) -> None:
    options = ("-o", small.store, *TOYS, "--ntoys", 100, "--poi-grid", "0.3:1.8:4", "--level", 0.1, "--json")
    points = hfscale("limit", small.workspace, small.patchset, *options).json()
    table, figure = small.folder / "limits.csv", small.folder / "limits.svg"
    ended = hfscale("contour", small.store, *PLANE, "--csv", table, "-o", figure)
    assert ended.code == 0, ended
    outside = [p for p in points if None in (p["upper_limit_obs"], p["upper_limit_exp"][2])]
    assert outside
    assert f"limits of {len(outside)} of 9 points lie outside the values of the POI" in ended.err
    found = lines_of(table)
    assert {"observed", "expected", "observed_toys_low", "observed_toys_high"} <= set(found)
    (edge,) = {x for x, y in found["observed"] if y == 0.0}
    row = {p["values"]["m_heavy"]: p for p in points if p["values"]["m_light"] == 0}
    assert max(m for m, p in row.items() if p["upper_limit_obs"] is not None and p["upper_limit_obs"] < 1) < edge
    assert edge < min(m for m, p in row.items() if p["upper_limit_obs"] is None or p["upper_limit_obs"] > 1)
    (low,), (high,) = ({x for x, y in found[f"observed_toys_{end}"] if y == 0.0} for end in ("low", "high"))
    assert high < edge < low
    assert figure.stat().st_size > 5000
    refused = hfscale("contour", small.store, *PLANE, "--csv", table, "--level", 0.05)
    assert (refused.code, "limits are at CLs = 0.1, not 0.05" in refused.err) == (2, True)


def test_cls_from_toys_have_lines_for_their_uncertainty(small: Search) -> None:
    assert small.cls("--calctype", "toybased", "--ntoys", 100).code == 0
    table = small.folder / "cls.csv"
    assert hfscale("contour", small.store, *PLANE, "--csv", table).code == 0
    assert {"observed", "observed_toys_low", "observed_toys_high"} <= set(lines_of(table))


def test_asymptotic_limits_have_a_contour_like_that_of_cls(small: Search) -> None:
    other = small._replace(store=small.folder / "limits.zarr")
    assert small.cls().code == 0
    assert hfscale("limit", small.workspace, small.patchset, "-o", other.store, "--executor", "local").code == 0
    edges = []
    for search in (small, other):
        table = search.folder / "lines.csv"
        assert hfscale("contour", search.store, *PLANE, "--csv", table).code == 0
        found = lines_of(table)
        assert "observed_toys_low" not in found
        edges.append([x for x, y in found["observed"] if y == 0.0])
    assert edges[0] == pytest.approx(edges[1], rel=0.1)


def test_other_kinds_of_results_have_no_contour(small: Search, refused: Refused) -> None:
    options = ("-o", small.store, "--executor", "local", "--points", "s_400_0")
    assert hfscale("significance", small.workspace, small.patchset, *options).code == 0
    refused(hfscale("contour", small.store, *PLANE, "-o", small.folder / "c.pdf"), "results of kind significance")


def test_a_store_without_labels_has_no_axes(small: Search, refused: Refused) -> None:
    patch = write(small.folder / "one.json", signal_patch([4.0, 5.0]))
    options = ("-p", patch, "-o", small.store, "--executor", "local")
    assert hfscale("cls", small.workspace, *options).code == 0
    refused(hfscale("contour", small.store, "-x", "a", "-y", "b", "-o", small.folder / "c.pdf"), "no label 'a'")


@pytest.fixture
def cls_table(tmp_path: Path) -> Path:
    """CLs that fall with m_x between 300 and 400 and do not depend on m_y, as CSV."""
    rows = [
        f"p{x}_{y},{x},{y},{min(1.0, 10.0 ** ((x - 480) / 100))}"
        for x in range(200, 700, 100)
        for y in range(0, 500, 100)
    ]
    return write(tmp_path / "cls.csv", "\n".join(["name,m_x,m_y,CLs", *rows]) + "\n")


TABLE_AXES = ("-x", "m_x", "-y", "m_y")


def test_a_table_of_cls_has_a_contour(cls_table: Path, tmp_path: Path) -> None:
    lines, figure, page = (tmp_path / name for name in ("lines.csv", "c.png", "c.html"))
    ended = hfscale("contour", cls_table, *TABLE_AXES, "--csv", lines, "-o", figure, "-o", page)
    assert ended.code == 0, ended
    assert "no point has expected results" in ended.err
    assert all(300 < x < 400 for x, _ in lines_of(lines)["observed"])
    assert figure.stat().st_size > 5000
    assert "p300_100" in page.read_text()


def test_a_forbidden_region_and_logarithms(cls_table: Path, tmp_path: Path, refused: Refused) -> None:
    lines = tmp_path / "lines.csv"
    more = ("--forbidden", "m_y > m_x - 125", "--log-x", "--interpolation", "cubic", "-o", tmp_path / "c.svg")
    assert hfscale("contour", cls_table, *TABLE_AXES, *more, "--csv", lines).code == 0
    found = lines_of(lines)["observed"]
    assert max(y - x for x, y in found) == pytest.approx(-125, abs=0.01)
    assert "Forbidden" in (tmp_path / "c.svg").read_text() or (tmp_path / "c.svg").stat().st_size > 5000
    refused(
        hfscale("contour", cls_table, *TABLE_AXES, "--csv", tmp_path / "no.csv", "--log-y"), "it is 0 at signal point"
    )
    refused(
        hfscale("contour", cls_table, *TABLE_AXES, "--csv", tmp_path / "no.csv", "--forbidden", "y > width"),
        "'width' is no function of the axes",
    )
    refused(
        hfscale(
            "contour",
            cls_table,
            *TABLE_AXES,
            "--csv",
            tmp_path / "no.csv",
            *("--interpolation", "linear", "--smoothing", 0.1),
        ),
        "goes through all points and takes no smoothing",
    )
    assert not (tmp_path / "no.csv").exists()


def test_errors_between_points_and_suggestions_are_printed(example_store: Path, tmp_path: Path) -> None:
    figure = tmp_path / "c.png"
    ended = hfscale("contour", example_store, *AXES, "--interpolation-error", "--suggest", 4, "-o", figure)
    assert ended.code == 0, ended
    assert "root mean square" in ended.out
    assert "the contour may be off by" in ended.out
    table = ended.out[ended.out.index("next ") :].splitlines()
    assert [line.split()[0] for line in table[1:]] == ["1", "2", "3", "4"]
    printed = hfscale("contour", example_store, *AXES, "--interpolation-error", "--suggest", 4, "--json").json()
    assert len(printed["suggestions"]) == 4
    assert all(one["m_lsp"] < one["m_gluino"] for one in printed["suggestions"])
    error = printed["interpolation_error"]
    assert error["rms"] > 0
    assert {"name", "m_gluino", "m_lsp", "height", "predicted"} == set(error["points"][0])
    plain = hfscale("contour", example_store, *AXES, "--json").json()
    assert "suggestions" not in plain
    assert plain["interpolation"] == "rbf"


def test_what_export_and_show_write_draws_the_same_contour(example_store: Path, tmp_path: Path) -> None:
    lines = tmp_path / "lines.csv"
    assert hfscale("contour", example_store, *AXES, "--csv", lines).code == 0
    expected = lines.read_text()
    tables = {
        name: tmp_path / f"{name}.{suffix}" for name, suffix in (("csv", "csv"), ("json", "json"), ("show", "json"))
    }
    for kind in ("csv", "json"):
        assert hfscale("export", example_store, "--format", kind, "-o", tables[kind]).code == 0
    write(tables["show"], hfscale("show", example_store, "--json").out)
    for name, table in tables.items():
        labels = ("--labels", "m_gluino,m_lsp") if name == "json" else ()
        ended = hfscale("contour", table, *AXES, *labels, "--csv", lines)
        assert ended.code == 0, ended
        assert lines.read_text() == expected
    harvest = tmp_path / "harvest.json"
    axes = ("-x", "mg=m_gluino", "-y", "mlsp=m_lsp")
    assert hfscale("export", example_store, "--format", "harvest", *axes, "-o", harvest).code == 0
    assert hfscale("contour", harvest, "-x", "mg", "-y", "mlsp", "--csv", lines).code == 0
    assert lines.read_text() == expected
