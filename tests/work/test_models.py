"""Laying out the models of a campaign from its inputs."""

from pathlib import Path

import numpy as np
import pytest

from hfscale.errors import PatchError
from hfscale.work.models import bounded_below_at_zero, build_models, expected_seconds, parameter_names, rows_of
from hfscale.workspace import Inputs, load_inputs
from tests.program import EXAMPLE, patchset_of, signal_patch, small_patchset, small_workspace


def inputs_of(*patches: list[dict[str, object]]) -> Inputs:
    workspace = small_workspace()
    named = [{"metadata": {"name": f"p{k}", "values": [k]}, "patch": list(patch)} for k, patch in enumerate(patches)]
    return load_inputs(workspace, patchset_of(workspace, named, ["k"]))


def test_every_point_is_in_one_group() -> None:
    workspace = small_workspace()
    groups = build_models(load_inputs(workspace, small_patchset(workspace)))
    assert sorted(int(member) for group in groups for member in group.members) == list(range(9))


def test_the_example_needs_one_program() -> None:
    groups = build_models(load_inputs(EXAMPLE / "BkgOnly.json", EXAMPLE / "patchset.json"))
    assert len(groups) == 1
    assert groups[0].has_signal.all()


def test_points_without_signal_are_marked() -> None:
    groups = build_models(inputs_of(signal_patch([1.0, 2.0]), []))
    signal = np.concatenate([group.has_signal[np.argsort(group.members)] for group in groups])
    assert sorted(signal) == [False, True]


def test_parameters_of_all_points_are_named_once() -> None:
    extra = {"name": "theory", "type": "normsys", "data": {"hi": 1.2, "lo": 0.8}}
    names = parameter_names(build_models(inputs_of(signal_patch([1.0, 2.0]), signal_patch([1.0, 2.0], extra))))
    assert sorted(names) == ["mu", "scale", "theory"]


def test_rows_are_those_of_the_points_of_a_task() -> None:
    (group,) = build_models(load_inputs(EXAMPLE / "BkgOnly.json", EXAMPLE / "patchset.json"))
    np.testing.assert_array_equal(group.members[rows_of(group, 10, 13)], [10, 11, 12])
    assert len(rows_of(group, 88, 99)) == 0


def test_a_lower_bound_at_zero_makes_qtilde() -> None:
    assert bounded_below_at_zero(build_models(inputs_of(signal_patch([1.0, 2.0]))))


def test_more_points_take_longer() -> None:
    one = build_models(inputs_of(signal_patch([1.0, 2.0])))
    two = build_models(inputs_of(signal_patch([1.0, 2.0]), signal_patch([2.0, 2.0])))
    assert 0.0 < expected_seconds(one) < expected_seconds(two)


def test_a_patch_that_does_not_apply_names_its_point(tmp_path: Path) -> None:
    with pytest.raises(PatchError, match="'p1'"):
        build_models(inputs_of(signal_patch([1.0, 2.0]), [{"op": "remove", "path": "/channels/7"}]))
