"""Pruning by size of effect: on models whose effects are known, what goes, what stays, and why."""

from typing import Any

import numpy as np
import pyhf
import pytest

import hfscale
from hfscale.errors import InputError
from hfscale.model.pruning import Pruned, Pruner, PruningRule
from tests.models import (
    PYHF_WARNING,
    Spec,
    group_of,
    histosys,
    modifier,
    normfactor,
    normsys,
    one_channel,
    position,
    sample,
    workspace,
)


def model(**changes: Any) -> Spec:
    """Signal 10 and background 100 in two bins; effects on the background are in the names, in per mille."""
    spec = one_channel(
        [100, 110],
        sample("signal", [10, 10], normfactor(), normsys("theory", 1.1, 0.9)),
        sample(
            "bkg",
            [100, 100],
            normsys("n4", 1.004, 0.999),
            normsys("n6", 0.999, 0.994),
            histosys("h4", [100.4, 99.7], [100, 100]),
            histosys("h6", [100, 100], [100, 99.4]),
            modifier("staterror", "mc", [1.0, 6.0]),
        ),
        parameters=[{"name": "n4", "inits": [0.1]}, {"name": "n6", "inits": [0.2]}],
    )
    spec["measurements"][0]["config"].update(changes)
    return spec


def dropped(pruned: Pruned) -> set[str]:
    return {row.modifier for row in pruned.report.rows if row.dropped}


def names_in(spec: Spec) -> set[str]:
    return {m["name"] for channel in spec["channels"] for s in channel["samples"] for m in s["modifiers"]}


def test_what_stays_below_the_threshold_in_every_bin_goes() -> None:
    pruned = hfscale.prune(model(), 0.005)
    assert dropped(pruned) == {"n4", "h4"}
    assert names_in(pruned.workspace) == {"mu", "theory", "n6", "h6", "mc"}
    effects = {row.modifier: row.effect for row in pruned.report.rows}
    assert effects == pytest.approx({"theory": 0.1, "n4": 0.004, "n6": 0.006, "h4": 0.004, "h6": 0.006})
    assert pruned.report.vanished == ("h4", "n4")


def test_the_threshold_itself_is_kept() -> None:
    spec = one_channel([5], sample("s", [4], normfactor()), sample("b", [8], normsys("a", 1.25, 1.0)))
    assert dropped(hfscale.prune(spec, 0.25)) == set()
    assert dropped(hfscale.prune(spec, 0.2500001)) == {"a"}


def test_configurations_of_vanished_parameters_go_too() -> None:
    settings = {"parameters": [{"name": "n4", "constraint": "none"}, {"name": "n6", "constraint": "none"}]}
    pruned = hfscale.prune(model(hfscale=settings), 0.005)
    config = pruned.workspace["measurements"][0]["config"]
    assert [p["name"] for p in config["parameters"]] == ["n6"]
    assert [p["name"] for p in config["hfscale"]["parameters"]] == ["n6"]


def test_per_channel_counts_all_samples() -> None:
    spec = workspace(
        {
            "SR": [sample("s", [1], normfactor()), sample("rare", [1], normsys("a", 1.5, 0.5)), sample("b", [98])],
            "CR": [sample("rare", [1], normsys("a", 1.5, 0.5)), sample("b", [9])],
        },
        {"SR": [100], "CR": [10]},
    )
    assert dropped(hfscale.prune(spec, 0.01)) == set()
    pruned = hfscale.prune(spec, 0.01, per="channel")
    assert {(row.channel, row.effect, row.dropped) for row in pruned.report.rows} == {
        ("SR", 0.005, True),
        ("CR", 0.05, False),
    }
    assert pruned.report.vanished == ()


def test_yields_of_zero() -> None:
    spec = one_channel(
        [5, 5],
        sample("s", [1, 1], normfactor()),
        sample("b", [9, 0], normsys("n", 1.001, 0.999), histosys("h", [9, 0.1], [9, 0])),
    )
    pruned = hfscale.prune(spec, 0.5)
    assert dropped(pruned) == {"n"}
    by_name = {row["modifier"]: row["effect"] for row in pruned.report.to_list()}
    assert by_name == {"n": pytest.approx(0.001), "h": None}


def test_parameters_of_interest_and_of_expressions_are_kept() -> None:
    pruned = hfscale.prune(model(poi="n4", hfscale={"expressions": {"mu": "1 + h4"}}), 0.005)
    assert dropped(pruned) == set()
    reasons = {row.modifier: row.reason for row in pruned.report.rows}
    assert reasons["n4"] == "parameter of interest"
    assert reasons["h4"] == "an expression uses it"
    assert reasons["h6"] == "effect not below 0.005 of the sample"


def test_staterrors_below_a_threshold_are_held() -> None:
    untouched = hfscale.prune(model(), 0.0)
    assert untouched.workspace["channels"] == model()["channels"]
    one = hfscale.prune(model(), 0.0, staterror_threshold=0.05)
    (held,) = (m for m in one.workspace["channels"][0]["samples"][1]["modifiers"] if m["name"] == "mc")
    assert held["data"] == [0.0, 6.0]
    assert one.report.rows[0].reason == "1 of 2 bins below 0.05 are held"
    likelihood = hfscale.Likelihood.from_workspace(one.workspace)
    fixed = dict(zip(likelihood.parameter_names, likelihood.suggested_fixed.tolist()))
    assert (fixed["mc[0]"], fixed["mc[1]"]) == (True, False)
    both = hfscale.prune(model(), 0.0, staterror_threshold=0.1)
    assert "mc" not in names_in(both.workspace)
    assert both.report.vanished == ("mc",)


@pytest.mark.filterwarnings(PYHF_WARNING)
def test_the_pruned_workspace_is_the_model_without_the_parameters() -> None:
    pruned = hfscale.prune(model(), 0.005)
    measured = pyhf.Workspace(pruned.workspace)
    theirs = measured.model()
    ours = hfscale.Likelihood.from_workspace(pruned.workspace)
    assert list(ours.parameter_names) == theirs.config.par_names
    at = theirs.config.suggested_init()
    assert float(ours.logpdf(at)) == pytest.approx(float(theirs.logpdf(at, measured.data(theirs))[0]), rel=1e-12)
    full = hfscale.Likelihood.from_workspace(model())
    alive = [name in ours.parameter_names for name in full.parameter_names]
    x = np.where(alive, full.suggested_init, 0.0)
    np.testing.assert_allclose(
        full.expected_data(x, include_auxdata=False),
        ours.expected_data(x[alive], include_auxdata=False),
        rtol=1e-12,
    )


def test_the_workspace_that_is_given_is_not_changed() -> None:
    spec = model()
    hfscale.prune(spec, 1.0, staterror_threshold=1.0)
    assert spec == model()


def test_equal_samples_stay_one_object() -> None:
    pruner, rule = Pruner(), PruningRule(0.005)
    background = model()
    other = {**background, "channels": [{**background["channels"][0]}]}
    first, second = (pruner.prune(spec, rule).workspace["channels"][0]["samples"] for spec in (background, other))
    assert first[1] is second[1]
    assert first[0] is background["channels"][0]["samples"][0]


def test_the_report_is_a_table() -> None:
    report = hfscale.prune(model(), 0.005).report
    table = report.to_dataframe()
    assert list(table.columns) == ["channel", "sample", "modifier", "type", "effect", "dropped", "reason"]
    assert table.dropped.sum() == report.n_dropped == 2


def test_senseless_thresholds_are_refused() -> None:
    with pytest.raises(InputError, match="no relative effect"):
        hfscale.prune(model(), -0.1)


def test_a_workspace_can_ask_for_pruning_itself() -> None:
    asked = hfscale.Likelihood.from_workspace(model(hfscale={"prune": {"threshold": 0.005}}))
    by_hand = hfscale.Likelihood.from_workspace(hfscale.prune(model(), 0.005).workspace)
    assert asked.parameter_names == by_hand.parameter_names
    assert asked.group.structure == by_hand.group.structure
    assert asked.pruned is not None
    assert asked.pruned.vanished == ("h4", "n4")
    assert by_hand.pruned is None


def test_settings_of_parameters_that_pruning_removes_are_no_mistake() -> None:
    key = {"prune": {"threshold": 0.005}, "parameters": [{"name": "n4", "constraint": "none"}]}
    assert "n4" not in hfscale.Likelihood.from_workspace(model(hfscale=key)).parameter_names


def test_a_poi_chosen_at_call_time_is_kept() -> None:
    likelihood = hfscale.Likelihood.from_workspace(model(hfscale={"prune": {"threshold": 0.005}}), poi="n4")
    assert (likelihood.poi_name, "h4" in likelihood.parameter_names) == ("n4", False)


def test_points_that_are_pruned_differently_share_a_structure() -> None:
    def point(effect: float) -> Spec:
        spec = model(hfscale={"prune": {"threshold": 0.005}})
        spec["channels"][0]["samples"][0]["modifiers"].append(normsys("own", 1 + effect, 1 - effect))
        return spec

    group = group_of(point(0.2), point(0.001))
    own = position(group, "own")
    assert group.present[:, own].tolist() == [True, False]
