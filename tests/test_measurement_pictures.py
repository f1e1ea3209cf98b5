"""Pictures of fits, rankings, yields and templates, drawn by cabinetry, and of group impacts."""

import contextlib
import copy
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib import pyplot, rc_context
from matplotlib.container import BarContainer
from matplotlib.figure import Figure

import hfscale as package
from hfscale import measurement_pictures
from hfscale.errors import SchemaError, SelectionError
from hfscale.predictions.pictures import draw_channel
from hfscale.results import open_results
from tests.inference.measurement.models import measurement
from tests.models import PYHF_WARNING
from tests.program import hfscale, write
from tests.templating.ntuples import CONFIG, write_inputs

pytest.importorskip("cabinetry")
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning")


@pytest.fixture(scope="module")
def ranked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The ranking of a small measurement; not to be changed."""
    folder = tmp_path_factory.mktemp("pictures")
    workspace = write(folder / "workspace.json", measurement())
    assert hfscale("ranking", workspace, "-o", folder / "ranking.zarr", "--executor", "local").code == 0
    return folder / "ranking.zarr"


def test_pictures_show_the_parameters_of_the_store(ranked: Path) -> None:
    results = open_results(ranked)
    pulls = measurement_pictures.pulls(results, exclude=["mc*"])
    shown = [label.get_text() for label in pulls.axes[0].get_yticklabels()]
    assert "jets" in shown
    assert not any(name.startswith("mc") for name in shown)
    matrix = measurement_pictures.correlations(results)
    assert {label.get_text() for label in matrix.axes[0].get_yticklabels()} >= {"mu", "top", "jets"}
    impacts = measurement_pictures.ranking(results, most=3)
    largest = [results.rankings()[0].fit.parameters[k] for k in results.rankings()[0].ranked[:3]]
    assert [label.get_text() for label in impacts.axes[0].get_yticklabels()] == largest


def test_the_verbs_write_files(ranked: Path, tmp_path: Path) -> None:
    for verb, file in (("pulls", "pulls.svg"), ("correlations", "matrix.svg"), ("ranking", "ranking.png")):
        assert hfscale("plot", verb, ranked, "-o", tmp_path / file).code == 0
        assert (tmp_path / file).stat().st_size > 1000
    ended = hfscale("plot", "pulls", ranked, "--point", "nothing", "-o", tmp_path / "none.pdf")
    assert ended.code == 2
    assert "0 signal points match 'nothing'" in ended.err
    assert not (tmp_path / "none.pdf").exists()


def fitted(*labels: str, corr_mat: list[list[float]]) -> Any:
    from cabinetry.fit.results_containers import FitResults

    ones = np.ones(len(labels))
    return FitResults(ones, ones, list(labels), np.array(corr_mat), 0.0)


def test_pictures_that_would_be_empty_are_refused() -> None:
    from hfscale.plot.cabinetry.fits import draw_correlations, draw_pulls

    two = fitted("mu", "staterror_SR[0]", corr_mat=[[1.0, 0.3], [0.3, 1.0]])
    with pytest.raises(SelectionError, match="is left to draw"):
        draw_pulls(two, exclude=["mu"])
    with pytest.raises(SelectionError, match="are fixed or called staterror_"):
        draw_pulls(fitted("staterror_SR[0]", corr_mat=[[1.0]]))
    for single in (fitted("mu", corr_mat=[[1.0]]), fitted("mu", "held", corr_mat=[[1.0, 0.0], [0.0, 0.0]])):
        with pytest.raises(SelectionError, match="fewer than two parameters are varied"):
            draw_correlations(single)
    with pytest.raises(SelectionError, match=r"as large as 0\.5"):
        draw_correlations(two, threshold=0.5)
    assert len(draw_correlations(two).axes[0].get_yticklabels()) == 2


def test_refusals_of_cabinetry_leave_no_figure_open() -> None:
    from hfscale.plot.cabinetry.drawing import draw_with_cabinetry

    def refuse(visualize: object) -> Figure:
        pyplot.figure()
        raise ValueError("total model yield has negative bin(s)")

    mine = pyplot.figure()
    with pytest.raises(SelectionError, match="cabinetry cannot draw this: total model yield"):
        draw_with_cabinetry(refuse, style="plain", title=None)
    assert pyplot.get_fignums() == [mine.number]
    pyplot.close(mine)


def test_groups_are_drawn_largest_first(ranked: Path, tmp_path: Path) -> None:
    results = open_results(ranked)
    patterns = {"energy": ["jets", "scale"], "counts": ["mc", "fakes"]}
    drawn = measurement_pictures.groups(results, patterns=patterns, title="A title")
    (axes,) = drawn.axes
    assert [label.get_text() for label in axes.get_yticklabels()] == [
        "total", "systematic", "statistical", "energy", "counts"
    ]  # fmt: skip
    impacts = {group.group: group.impact for group in results.rankings()[0].groups(patterns)}
    widths = [bar.get_width() for bar in axes.patches]
    assert widths[3:] == pytest.approx([impacts["energy"], impacts["counts"]])
    assert np.hypot(*widths[1:3]) == pytest.approx(widths[0])
    file = tmp_path / "groups.pdf"
    assert hfscale("plot", "groups", ranked, "--group", "energy=jets", "--most", 1, "-o", file).code == 0
    ended = hfscale("plot", "groups", ranked, "--group", "energy=jet", "-o", tmp_path / "none.pdf")
    assert ended.code == 2
    assert "matches the patterns of the group 'energy'" in ended.err
    assert "for example, jets" in ended.err
    assert [path.name for path in tmp_path.iterdir()] == ["groups.pdf"]


@contextlib.contextmanager
def as_cabinetry_draws() -> Iterator[None]:
    """cabinetry by itself, which changes settings, keeps figures open, and shows bars."""
    with contextlib.redirect_stderr(io.StringIO()), rc_context():
        yield
    pyplot.close("all")


def heights(figure: Figure) -> list[list[float]]:
    """The heights of the bars of a stack, sample by sample; those of the uncertainty are behind them."""
    axes = figure.axes[0]
    return [[float(bar.get_height()) for bar in one] for one in axes.containers if isinstance(one, BarContainer)]


@pytest.mark.filterwarnings(PYHF_WARNING)
def test_yields_with_data_are_those_of_cabinetrys_own_picture(ranked: Path) -> None:
    from cabinetry import model_utils, visualize

    (prediction,) = package.prediction(ranked)
    model, data = model_utils.model_and_data(measurement())
    with as_cabinetry_draws():
        theirs = visualize.data_mc(prediction.to_cabinetry(model), data, channels="SR", save_figure=False)
    *stacked, uncertainty = heights(theirs[0]["figure"])
    *ours, our_uncertainty = heights(draw_channel(prediction, "SR"))
    np.testing.assert_allclose(sorted(ours), sorted(stacked))
    assert our_uncertainty == pytest.approx(uncertainty)
    np.testing.assert_allclose(ours[::-1], prediction.yields.bins[:-1, 1:])
    package_figure = draw_channel(prediction, "CR")
    assert [text.get_text() for text in package_figure.axes[0].get_legend().get_texts()] == [
        "top", "Uncertainty", "Data"
    ]  # fmt: skip


def test_data_mc_writes_a_file_for_each_channel(ranked: Path, tmp_path: Path) -> None:
    workspace = ranked.parent / "workspace.json"
    assert hfscale("plot", "data-mc", workspace, "-o", tmp_path / "a.png", "--no-data", "--linear").code == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a_CR.png", "a_SR.png"]
    options = ("--channel", "S*", "--merge", "background=top,other", "--log", "--style", "CMS", "--title", "A title")
    assert hfscale("plot", "data-mc", workspace, "--fit-from", ranked, *options, "-o", tmp_path / "b.pdf").code == 0
    assert (tmp_path / "b.pdf").stat().st_size > 1000
    ended = hfscale("plot", "data-mc", workspace, "--channel", "VR", "-o", tmp_path / "c.pdf")
    assert (ended.code, "no channel matches 'VR'" in ended.err) == (2, True)
    assert not list(tmp_path.glob("c*"))


def test_bins_and_variables_come_from_the_configuration(ranked: Path) -> None:
    (prediction,) = package.prediction(ranked)
    config: dict[str, Any] = copy.deepcopy(CONFIG)
    config["Regions"] = [{"Name": "SR", "Variable": "mass", "Binning": [0, 100, 300]}]
    config["Samples"][1].pop("Regions")
    config["Systematics"] = []
    lower = draw_channel(prediction, "SR", config=config).axes[1]
    assert (lower.get_xlim(), lower.get_xlabel()) == ((0.0, 300.0), "mass")
    assert draw_channel(prediction, "CR", config=config).axes[1].get_xlabel() == "bin"
    config["Regions"][0]["Binning"] = [0, 100]
    with pytest.raises(SchemaError, match="SR has 2 bins, and 1 in the configuration"):
        draw_channel(prediction, "SR", config=config)
    with pytest.raises(SelectionError, match="2 channels, and one is drawn"):
        draw_channel(prediction)


def test_channels_that_cannot_be_stacked_are_left_out(tmp_path: Path) -> None:
    spec = measurement()
    spec["channels"][0]["samples"][0]["data"] = [-5.0]
    workspace = write(tmp_path / "workspace.json", spec)
    ended = hfscale("plot", "data-mc", workspace, "-o", tmp_path / "a.png")
    assert (ended.code, (tmp_path / "a_SR.png").exists(), (tmp_path / "a_CR.png").exists()) == (0, True, False)
    assert "not drawn: the expected yields of channel CR are negative in bin 1" in ended.err
    ended = hfscale("plot", "data-mc", workspace, "--channel", "CR", "-o", tmp_path / "b.png")
    assert (ended.code, "error: the expected yields of channel CR" in ended.err) == (2, True)


def test_figures_do_not_overwrite_one_another(tmp_path: Path) -> None:
    spec = measurement()
    for part in ("channels", "observations"):
        for one, name in zip(spec[part], ("S R", "S-R"), strict=True):
            one["name"] = name
    ended = hfscale("plot", "data-mc", write(tmp_path / "workspace.json", spec), "-o", tmp_path / "a.png")
    assert (ended.code, "'S R' and 'S-R' would be the same file" in ended.err) == (2, True)
    assert not list(tmp_path.glob("*.png"))


@pytest.mark.filterwarnings(PYHF_WARNING, "ignore::ResourceWarning")
def test_templates_are_drawn_from_their_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from cabinetry import visualize

    monkeypatch.chdir(tmp_path)
    write_inputs(tmp_path)
    config = copy.deepcopy(CONFIG)
    # cabinetry's own function draws the templates of this one in place of those of "weights".
    longer = {"Name": "weights_shape", "Samples": "signal", "Up": {"Weight": "3*w"}}
    config["Systematics"].append({**config["Systematics"][1], **longer})
    file = write(tmp_path / "config.yml", config)
    ended = hfscale("plot", "templates", file, "-o", "none.pdf")
    assert (ended.code, "make the templates with hfscale templates" in ended.err) == (2, True)
    assert hfscale("templates", file, "--executor", "local").code == 0
    (tmp_path / "figures").mkdir()
    ended = hfscale("plot", "templates", file, "--systematic", "tree", "--systematic", "gen*", "-o", "figures/t.png")
    names = ["t_CR_top_tree.png", "t_Signal-region_top_generator.png", "t_Signal-region_top_tree.png"]
    assert sorted(path.name for path in (tmp_path / "figures").iterdir()) == names
    assert "wrote figures/t_CR_top_tree.png" in ended.err

    from hfscale.templating.pictures import draw_variation, list_variations

    with as_cabinetry_draws():
        theirs = {
            (one["region"], one["sample"], one["systematic"]): lines_of(one["figure"])
            for one in visualize.templates(config, save_figure=False)
        }
    ours = {(one.region, one.sample, one.systematic): one for one in list_variations(config)}
    assert ours.keys() == theirs.keys()
    assert lines_of(draw_variation(ours["CR", "top", "tree"])) == theirs["CR", "top", "tree"]
    up = np.load("histograms/Signal-region_signal_weights_Up.npz")["yields"]
    assert lines_of(draw_variation(ours["Signal region", "signal", "weights"]))[1] == np.repeat(up, 2).tolist()
    ended = hfscale("plot", "templates", file, "--region", "VR", "-o", "none.pdf")
    assert (ended.code, "systematics are lumi, weights, tree" in ended.err) == (2, True)


def lines_of(figure: Figure) -> list[list[float]]:
    return [np.asarray(line.get_ydata()).tolist() for axes in figure.axes for line in axes.lines]
