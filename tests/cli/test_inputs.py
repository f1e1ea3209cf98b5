"""The verbs ``inspect`` and ``validate`` on good input."""

from tests.program import EXAMPLE, hfscale

FILES = (EXAMPLE / "BkgOnly.json", EXAMPLE / "patchset.json")


def test_inspect_counts_what_is_there() -> None:
    found = hfscale("inspect", *FILES, "--json").json()
    assert (found["points"], found["points_without_signal"], found["structures"]) == (88, 0, 1)
    assert (found["measurement"], found["poi"]) == ("exclusion", "mu_SIG")
    assert found["labels"] == {"m_gluino": [1200, 2600], "m_lsp": [1, 1700]}
    assert len(found["modifiers"]) == 7
    channels = {channel["name"]: channel for channel in found["channels"]}
    assert channels["SRhigh_meff"]["bins"] == 4
    assert "ttbar" in channels["SRhigh_meff"]["samples"]


def test_inspect_counts_the_parameters_of_pyhf() -> None:
    import json

    import pyhf
    import pytest

    background, patchset = (json.loads(file.read_text()) for file in FILES)
    with pytest.warns(DeprecationWarning, match="RefResolver"):
        model = pyhf.PatchSet(patchset).apply(background, "gluino_1200_1").model()
    found = hfscale("inspect", *FILES, "--points", "gluino_1200_1", "--json").json()
    assert found["parameters"] == model.config.npars


def test_inspect_as_text() -> None:
    ended = hfscale("inspect", *FILES)
    assert (ended.code, ended.err) == (0, "")
    assert "  SRhigh_meff: 4 bins, samples " in ended.out
    assert "gluino_1200_1, gluino_1200_200" in ended.out


def test_validate_says_what_is_valid() -> None:
    assert hfscale("validate", *FILES) == (0, "valid: 88 signal points\n", "")
    assert hfscale("validate", *FILES, "--json").json() == {"valid": True, "points": 88, "problems": []}
