"""XML and ROOT files of HistFactory."""

import sys
from pathlib import Path

import numpy as np
import pyhf
import pytest

import hfscale
from hfscale.errors import SourceError
from tests.models import PYHF_WARNING

pytestmark = pytest.mark.filterwarnings(PYHF_WARNING)

TOP = """<!DOCTYPE Combination SYSTEM 'HistFactorySchema.dtd'>
<Combination OutputFilePrefix="out">
  <Input>config/channel.xml</Input>
  <Measurement Name="fit" Lumi="1." LumiRelErr="0.02">
    <POI>mu</POI>
    <ParamSetting Const="True">Lumi</ParamSetting>
  </Measurement>
</Combination>
"""
CHANNEL = """<!DOCTYPE Channel SYSTEM 'HistFactorySchema.dtd'>
<Channel Name="SR" InputFile="data/histograms.root">
  <Data HistoName="data" HistoPath="" />
  <Sample Name="signal" HistoPath="" HistoName="signal" NormalizeByTheory="False">
    <NormFactor Name="mu" Val="1" Low="0" High="5" />
  </Sample>
  <Sample Name="bkg" HistoPath="" HistoName="bkg" NormalizeByTheory="False">
    <OverallSys Name="scale" High="1.1" Low="0.9" />
  </Sample>
</Channel>
"""


@pytest.fixture
def configuration(tmp_path: Path) -> Path:
    """A model of one channel with two bins, without its histograms."""
    for folder in ("config", "data"):
        (tmp_path / folder).mkdir()
    (tmp_path / "config" / "top.xml").write_text(TOP)
    (tmp_path / "config" / "channel.xml").write_text(CHANNEL)
    return tmp_path / "config" / "top.xml"


def test_a_model_becomes_a_workspace(configuration: Path, tmp_path: Path) -> None:
    uproot = pytest.importorskip("uproot")
    edges = np.array([0.0, 1.0, 2.0])
    with uproot.recreate(tmp_path / "data" / "histograms.root") as file:
        for name, values in (("data", [58.0, 49.0]), ("signal", [5.0, 8.0]), ("bkg", [50.0, 40.0])):
            file[name] = (np.array(values), edges)
    workspace = hfscale.from_xml(configuration, tmp_path)
    likelihood = hfscale.Likelihood.from_workspace(workspace)
    assert set(likelihood.parameter_names) == {"mu", "scale"}
    assert likelihood.poi_name == "mu"
    assert likelihood.observations.tolist() == [58.0, 49.0]
    np.testing.assert_allclose(likelihood.expected_data(likelihood.suggested_init)[:2], [55.0, 48.0])
    index = likelihood.parameter_names.index("mu")
    assert likelihood.suggested_bounds[index].tolist() == [0.0, 5.0]
    assert likelihood.fit().status.succeeded


def test_missing_histograms(configuration: Path, tmp_path: Path) -> None:
    pytest.importorskip("uproot")
    with pytest.raises(SourceError, match=r"top\.xml cannot be read: .*histograms\.root"):
        hfscale.from_xml(configuration, tmp_path)


def test_text_that_is_not_xml(tmp_path: Path) -> None:
    pytest.importorskip("uproot")
    (tmp_path / "top.xml").write_text("{}")
    with pytest.raises(SourceError, match=r"top\.xml cannot be read: .*line 1"):
        hfscale.from_xml(tmp_path / "top.xml", tmp_path)


def test_without_uproot_the_remedy_names_the_extra(
    configuration: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(pyhf, "readxml", raising=False)
    monkeypatch.delitem(sys.modules, "pyhf.readxml", raising=False)
    monkeypatch.setitem(sys.modules, "uproot", None)
    with pytest.raises(SourceError, match="need the package uproot") as caught:
        hfscale.from_xml(configuration, tmp_path)
    assert "hfscale[xml]" in str(caught.value)
