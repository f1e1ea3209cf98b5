"""The published likelihoods as they are: every one loads, and every patch makes a valid model."""

import pytest

from hfscale.errors import DigestError
from hfscale.workspace import check_points, load_inputs, patched_workspace

pytestmark = pytest.mark.data


@pytest.mark.parametrize(
    ("name", "points", "labels", "poi"),
    [
        ("sbottom-RegionA", 217, ("m_sbottom", "m_n2", "m_n1"), "mu_SIG"),
        ("sbottom-RegionB", 218, ("m_sbottom", "m_n2", "m_n1"), "mu_SIG"),
        ("offshell3L", 91, ("m1", "m2"), "mu_SIG"),
        ("1Lbb-simplified", 125, ("m1", "m2"), "mu_Sig"),
    ],
)
def test_archive_loads_and_all_points_are_valid(shared_data, name, points, labels, poi):
    inputs = load_inputs(shared_data / f"{name}.tar.gz", verify_digest=name != "1Lbb-simplified")
    assert (len(inputs.points), inputs.labels, inputs.poi) == (points, labels, poi)
    check_points(inputs)


def test_patchset_of_the_full_likelihood_does_not_match_the_simplified_one(shared_data):
    archive = shared_data / "1Lbb-simplified.tar.gz"
    with pytest.raises(DigestError, match=r"(?s)2563672e1a165384.*--no-verify-digest"):
        load_inputs(f"{archive}::BkgOnly.json", f"{archive}::patchset.json")


def test_patched_workspace_is_that_of_pyhf(shared_data):
    import jsonpatch

    inputs = load_inputs(shared_data / "sbottom-RegionB.tar.gz", points=["sbottom_1500_1495_60", "sbottom_1000_131_1"])
    for point in inputs.points:
        assert patched_workspace(inputs, point) == jsonpatch.apply_patch(inputs.workspace, list(point.patch))
