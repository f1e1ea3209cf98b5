"""Published likelihoods against pyhf: parameters, likelihood values and CLs."""

import json
import tarfile
from pathlib import Path
from typing import Any

import jsonpatch
import numpy as np
import pytest

from hfscale.inference.results import PointStatus
from hfscale.model.structure import ModelGroup
from tests.conformance.pyhf_models import columns, pyhf_model, random_parameters
from tests.evaluation import value_of
from tests.models import PYHF_WARNING, Spec, cls_of, group_of

pytestmark = [pytest.mark.data, pytest.mark.filterwarnings(PYHF_WARNING)]

OFFSHELL_FIRST = [0.008373, 0.000868, 0.005887, 0.034818, 0.158553, 0.466634]
"""CLs of offshell3L's point (100, 95), observed and expected, as documented beside the data."""


def unpacked(folder: Path, name: str) -> tuple[Spec, dict[str, Any]]:
    """Background workspace, and name -> patch."""
    with tarfile.open(folder / f"{name}.tar.gz") as archive:
        members = {Path(m.name).name: m for m in archive.getmembers() if m.isfile()}
        background, patchset = (
            json.load(archive.extractfile(members[f]))
            for f in ("BkgOnly.json", "patchset.json")  # type: ignore[arg-type]
        )
    return background, {p["metadata"]["name"]: p["patch"] for p in patchset["patches"]}


@pytest.mark.slow
@pytest.mark.parametrize("region", ["sbottom-RegionA", "sbottom-RegionB"])
def test_cls_of_published_points(shared_data: Path, region: str) -> None:
    reference = json.loads((shared_data / "reference-cls.json").read_text())[region]
    background, patches = unpacked(shared_data, region)
    specs = [jsonpatch.apply_patch(background, patches[name]) for name in reference]
    block = cls_of(*specs, background=background)
    assert (block.status == PointStatus.OK).all()
    for k, (name, expected) in enumerate(reference.items()):
        found = [block.CLs_obs[k], *block.CLs_exp[k]]
        np.testing.assert_allclose(found, expected, rtol=1e-6, err_msg=name)


@pytest.mark.slow
def test_cls_of_a_point_with_hundreds_of_parameters(shared_data: Path) -> None:
    background, patches = unpacked(shared_data, "offshell3L")
    spec = jsonpatch.apply_patch(background, next(iter(patches.values())))
    block = cls_of(spec, background=background)
    np.testing.assert_allclose([block.CLs_obs[0], *block.CLs_exp[0]], OFFSHELL_FIRST, rtol=2e-5, atol=6e-7)


@pytest.mark.parametrize(
    "region",
    ["sbottom-RegionA", "sbottom-RegionB", "1Lbb-simplified", pytest.param("offshell3L", marks=pytest.mark.slow)],
)
def test_parameters_and_likelihood_of_the_first_point(shared_data: Path, region: str) -> None:
    background, patches = unpacked(shared_data, region)
    spec = jsonpatch.apply_patch(background, next(iter(patches.values())))
    group, reference = group_of(spec, background=background), pyhf_model(spec)
    assert list(group.parameter_names) == reference.names
    compared = 0
    for seed in range(8):
        values = random_parameters(reference.model, seed)
        values = 0.5 * values + 0.5 * np.array(reference.model.config.suggested_init())
        compared += _compare(group, reference, values)
    assert compared >= 4


def _compare(group: ModelGroup, reference: Any, values: np.ndarray) -> bool:
    """Compare rates and, where every rate is positive, the likelihood; tell whether that was so."""
    theta = group.inits.copy()
    theta[0, columns(group, 0, reference.names)] = values
    rates, nll = value_of(group, theta)
    expected = reference.rates(values)
    np.testing.assert_allclose(rates[0], expected, rtol=1e-12, atol=1e-12)
    if not (expected > 0).all():
        return False
    assert nll[0] == pytest.approx(reference.nll(values), rel=1e-10)
    return True
