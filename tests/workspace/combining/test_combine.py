"""Joining workspaces: what pyhf's own combination of the patched workspaces is."""

import copy
from pathlib import Path
from typing import Any

import jsonpatch
import pyhf
import pytest

import hfscale
from hfscale.errors import ModelError, PatchError, SelectionError
from hfscale.workspace.combining.combine import combine
from hfscale.workspace.loading import load_inputs
from tests.models import PYHF_WARNING, modifier, normfactor, normsys, sample, workspace
from tests.program import patchset_of

pytestmark = pytest.mark.filterwarnings(PYHF_WARNING)
Spec = dict[str, Any]
LUMI = {"name": "lumi", "auxdata": [1.0], "sigmas": [0.02], "bounds": [[0.5, 1.5]], "inits": [1.0]}


def region(name: str, scale: float = 1.0) -> Spec:
    """A signal region with a control region, and systematics of which two are common to all regions."""
    background = sample("top", [40.0 * scale, 12.0], normsys("jes", 1.2, 0.85), normsys(f"theory_{name}", 1.1, 0.9))
    control = sample("top", [200.0], modifier("lumi", "lumi"))
    return workspace(
        {f"SR_{name}": [background], f"CR_{name}": [control]},
        {f"SR_{name}": [44.0 * scale, 10.0], f"CR_{name}": [205.0]},
        [LUMI],
    )


def add_signal(scale: float, where: str = "0/samples/-") -> Spec:
    value = sample("signal", [3.0 * scale, 6.0 * scale], normfactor(), normsys("jes", 0.95, 1.04))
    return {"op": "add", "path": f"/channels/{where}", "value": value}


def point(name: str, *operations: Spec, values: tuple[float, float]) -> Spec:
    return {"metadata": {"name": name, "values": list(values)}, "patch": list(operations)}


def source(spec: Spec, *points: Spec, labels: tuple[str, str] = ("m_x", "m_y")) -> tuple[Spec, Spec]:
    return spec, patchset_of(spec, list(points), list(labels))


def two_regions(*first: Spec, others: tuple[Spec, ...] | None = None) -> list[tuple[Spec, Spec]]:
    """Two regions with one point each, made by the given operations."""
    second = (add_signal(0.5),) if others is None else others
    return [
        source(region("A"), point("s", *first, values=(1, 2))),
        source(region("B", 0.5), point("s", *second, values=(1, 2))),
    ]


def by_pyhf(sources: list[tuple[Spec, Spec]]) -> pyhf.Workspace:
    """The patched workspaces of the first points, joined by pyhf."""
    first, *others = (jsonpatch.apply_patch(spec, patchset["patches"][0]["patch"]) for spec, patchset in sources)
    joined = pyhf.Workspace(first)
    for other in others:
        joined = pyhf.Workspace.combine(joined, pyhf.Workspace(other), join="outer")
    return joined


CONTROL = {"name": "VR", "samples": [sample("top", [7.0], normsys("jes", 1.1, 0.9))]}
SETTINGS = {"op": "add", "path": "/measurements/0/config/parameters/-", "value": {"name": "jes", "inits": [0.1]}}
UNUSUAL = {
    "samples alone": (add_signal(1.0),),
    "a channel removed before": ({"op": "remove", "path": "/channels/1"}, add_signal(1.0)),
    "a channel added at the end": (
        {"op": "add", "path": "/channels/-", "value": CONTROL},
        {"op": "add", "path": "/observations/-", "value": {"name": "VR", "data": [8.0]}},
        {"op": "replace", "path": "/channels/2/samples/0/data", "value": [9.0]},
        add_signal(1.0),
    ),
    "channels that change places": (
        {"op": "move", "from": "/channels/0", "path": "/channels/1"},
        add_signal(1.0, "1/samples/0"),
    ),
    "settings of a parameter": (SETTINGS, add_signal(1.0)),
    "all channels at once": (
        {
            "op": "replace",
            "path": "/channels",
            "value": jsonpatch.apply_patch(region("A"), [add_signal(2.0)])["channels"],
        },
    ),
    "all measurements at once": (
        {
            "op": "replace",
            "path": "/measurements",
            "value": jsonpatch.apply_patch(region("A"), [SETTINGS])["measurements"],
        },
        add_signal(1.0),
    ),
    "observations": ({"op": "replace", "path": "/observations/0/data/1", "value": 5.0}, add_signal(1.0)),
}


@pytest.mark.parametrize("operations", UNUSUAL.values(), ids=UNUSUAL)
@pytest.mark.parametrize("first", [True, False], ids=["first", "last"])
def test_the_patched_combination_is_the_combination_of_the_patched(operations: tuple[Spec, ...], first: bool) -> None:
    sources = two_regions(*operations)
    if not first:
        sources = [source(region("B", 0.5), point("s", add_signal(0.5), values=(1, 2))), sources[0]]
    before = copy.deepcopy(sources)
    found = combine(sources)
    assert sources == before
    (patch,) = found.patchset["patches"]
    assert jsonpatch.apply_patch(found.workspace, patch["patch"]) == dict(by_pyhf(sources))
    assert found.workspace == dict(pyhf.Workspace.combine(*(pyhf.Workspace(s[0]) for s in sources), join="outer"))
    pyhf.PatchSet(found.patchset).verify(found.workspace)


def test_three_workspaces_are_joined_in_their_order() -> None:
    sources = [
        source(
            region(name, scale), point("s", {"op": "remove", "path": "/channels/1"}, add_signal(scale), values=(1, 2))
        )
        for name, scale in (("A", 1.0), ("B", 0.5), ("C", 2.0))
    ]
    found = combine(sources)
    (patch,) = found.patchset["patches"]
    assert jsonpatch.apply_patch(found.workspace, patch["patch"]) == dict(by_pyhf(sources))


def test_cls_of_a_combined_point_is_that_of_pyhfs_combination(tmp_path: Path) -> None:
    sources = two_regions(add_signal(1.0))
    found = combine(sources)
    results = hfscale.cls(found.workspace, found.patchset, store=tmp_path / "ab.zarr", executor="local")
    (row,) = results.to_list()
    joined = by_pyhf(sources)
    model = joined.model(measurement_name="fit")
    CLs_obs, CLs_exp = pyhf.infer.hypotest(1.0, joined.data(model), model, test_stat="qtilde", return_expected_set=True)
    assert row["CLs_obs"] == pytest.approx(float(CLs_obs), rel=2e-4)
    assert row["CLs_exp"] == pytest.approx([float(value) for value in CLs_exp], rel=1e-3)
    names = results.to_xarray()["parameter"].values.tolist()
    # One jes for both regions: fully correlated. The others stay apart.
    assert sorted(names) == ["jes", "lumi", "mu", "theory_A", "theory_B"]
    assert found.shared_parameters == ("jes", "lumi", "mu")
    alone = []
    for k, (spec, patchset) in enumerate(sources):
        (other,) = hfscale.cls(spec, patchset, store=tmp_path / f"{k}.zarr", executor="local").to_list()
        alone.append(other["CLs_exp"][2])
    assert row["CLs_exp"][2] < min(alone)


def test_points_are_joined_by_name_and_the_others_left_out_or_without_signal() -> None:
    both = point("both", add_signal(1.0), values=(1, 2))
    sources = [
        source(region("A"), point("a", add_signal(1.0), values=(3, 4)), both),
        source(region("B"), {**both, "metadata": {"name": "both", "values": [2, 1]}}, labels=("m_y", "m_x")),
    ]
    found = combine(sources)
    assert (found.points, found.unmatched) == (("both",), ("a",))
    assert found.patchset["metadata"]["labels"] == ["m_x", "m_y"]
    assert found.patchset["patches"][0]["metadata"]["values"] == [1, 2]
    everything = combine(sources, unmatched="no-signal")
    assert everything.points == ("a", "both")
    patched = jsonpatch.apply_patch(everything.workspace, everything.patchset["patches"][0]["patch"])
    names = {c["name"]: [s["name"] for s in c["samples"]] for c in patched["channels"]}
    assert names["SR_A"] == ["top", "signal"]
    assert names["SR_B"] == ["top"]
    assert combine(sources, unmatched="no-signal", points=["b*"]).points == ("both",)


def changed(spec: Spec, place: tuple[Any, ...], value: Any) -> Spec:
    result = copy.deepcopy(spec)
    part = result
    for key in place[:-1]:
        part = part[key]
    part[place[-1]] = value
    return result


SIGNAL = point("s", add_signal(1.0), values=(1, 2))
PARAMETERS = ("measurements", 0, "config", "parameters")
REFUSED = {
    "one source": ([source(region("A"), SIGNAL)], SelectionError, "at least two"),
    "channels in common": ([source(region("A"), SIGNAL)] * 2, ModelError, "both .* have the channel 'SR_A'|'CR_A'"),
    "another POI": (
        [
            source(region("A"), SIGNAL),
            source(changed(region("B"), ("measurements", 0, "config", "poi"), "jes"), SIGNAL),
        ],
        SelectionError,
        "parameter of interest",
    ),
    "another measurement": (
        [source(region("A"), SIGNAL), source(changed(region("B"), ("measurements", 0, "name"), "other"), SIGNAL)],
        SelectionError,
        "measurement",
    ),
    "other settings of a parameter": (
        [source(region("A"), SIGNAL), source(changed(region("B"), (*PARAMETERS, 0, "sigmas"), [0.05]), SIGNAL)],
        ModelError,
        "incompatible parameter configs.*lumi",
    ),
    "other values": (
        [source(region("A"), SIGNAL), source(region("B"), point("s", add_signal(1.0), values=(1, 3)))],
        PatchError,
        "has other values",
    ),
    "no point in common": (
        [source(region("A"), SIGNAL), source(region("B"), point("t", add_signal(1.0), values=(1, 3)))],
        SelectionError,
        "no signal point in common",
    ),
}


@pytest.mark.parametrize(("sources", "error", "said"), REFUSED.values(), ids=REFUSED)
def test_what_does_not_fit_is_refused(sources: Any, error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=said) as caught:
        combine(sources)
    assert caught.value.remedy  # type: ignore[attr-defined]


def test_other_settings_can_be_those_of_the_first_workspace() -> None:
    sources = [source(region("A"), SIGNAL), source(changed(region("B"), (*PARAMETERS, 0, "sigmas"), [0.05]), SIGNAL)]
    found = combine(sources, join="left outer")
    assert found.workspace["measurements"][0]["config"]["parameters"] == [LUMI]


@pytest.mark.data
def test_published_regions_are_joined_as_pyhf_joins_them(shared_data: Path) -> None:
    name, archives = "sbottom_1300_205_60", [shared_data / f"sbottom-Region{region}.tar.gz" for region in "AB"]
    found = combine(archives, points=[name])
    sources = []
    for archive in archives:
        inputs = load_inputs(archive, points=[name])
        patch = {"metadata": {"name": name}, "patch": [dict(operation) for operation in inputs.points[0].patch]}
        sources.append((dict(inputs.workspace), {"patches": [patch]}))
    (patch,) = found.patchset["patches"]
    assert jsonpatch.apply_patch(found.workspace, patch["patch"]) == dict(by_pyhf(sources))
