"""Patchsets from tables of yields: what they add to a workspace, and what is refused with the place in the table."""

import copy
from pathlib import Path
from typing import Any

import pandas
import pyhf
import pytest

import hfscale
from hfscale.errors import HfscaleError, InputError, SchemaError, SelectionError
from tests.program import PYHF_WARNING, Spec, small_workspace

TABLE = """\
m_heavy, m_light, channel, bin, yield, stat, jes_up, jes_down, xsec_up, xsec_down
400, 0, SR, 1, 3.0, 0.5, 1.2, 0.9, 1.1, 0.9
400, 0, SR, 0, 6.0, 0.6, 1.1, 0.9, 1.1, 0.9
400, 0, CR, 0, 2.0, , , , ,
400, 100.5, SR, 0, 5.0, , 1.1, 0.9, ,
400, 100.5, SR, 1, 0.0, , 1.1, 0.9, ,
"""


def search() -> Spec:
    """The small search with a control region."""
    workspace = small_workspace()
    workspace["channels"].append({"name": "CR", "samples": [{"name": "background", "data": [100.0], "modifiers": []}]})
    workspace["observations"].append({"name": "CR", "data": [101.0]})
    return workspace


def frame(text: str = TABLE) -> pandas.DataFrame:
    header, *lines = (tuple(cell.strip() for cell in line.split(",")) for line in text.splitlines())
    rows = [[pandas.to_numeric(cell) if cell[:1].isdigit() else cell or None for cell in line] for line in lines]
    return pandas.DataFrame(rows, columns=list(header))


def added(patchset: Spec, point: int) -> dict[str, Spec]:
    """The sample that a point adds, by the path of its channel."""
    patch = patchset["patches"][point]["patch"]
    assert all(operation["op"] == "add" for operation in patch)
    return {operation["path"]: operation["value"] for operation in patch}


def test_a_table_becomes_samples_with_their_modifiers() -> None:
    patchset = hfscale.patchset_from_table(search(), frame(), modifiers=[{"name": "l", "type": "lumi", "data": None}])
    first, second = added(patchset, 0), added(patchset, 1)
    assert [patch["metadata"] for patch in patchset["patches"]] == [
        {"name": "m_heavy_400_m_light_0", "values": [400, 0]},
        {"name": "m_heavy_400_m_light_100p5", "values": [400, 100.5]},
    ]
    assert first.keys() == {"/channels/0/samples/-", "/channels/1/samples/-"}
    signal = first["/channels/0/samples/-"]
    common = [{"name": "mu", "type": "normfactor", "data": None}, {"name": "l", "type": "lumi", "data": None}]
    assert (signal["name"], signal["data"]) == ("signal", [6.0, 3.0])
    assert signal["modifiers"] == [
        *common,
        {"name": "staterror_signal_SR", "type": "staterror", "data": [0.6, 0.5]},
        {"name": "jes", "type": "histosys", "data": {"hi_data": [6.0 * 1.1, 3.0 * 1.2], "lo_data": [5.4, 2.7]}},
        {"name": "xsec", "type": "normsys", "data": {"hi": 1.1, "lo": 0.9}},
    ]
    assert first["/channels/1/samples/-"] == {"name": "signal", "data": [2.0], "modifiers": common}
    assert second.keys() == {"/channels/0/samples/-"}
    normsys = {"name": "jes", "type": "normsys", "data": {"hi": 1.1, "lo": 0.9}}
    assert second["/channels/0/samples/-"] == {"name": "signal", "data": [5.0, 0.0], "modifiers": [*common, normsys]}


def test_files_frames_columns_and_rows_say_the_same(tmp_path: Path) -> None:
    file = tmp_path / "yields.csv"
    file.write_text(TABLE)
    rows = [{k: None if pandas.isna(v) else v for k, v in row.items()} for row in frame().to_dict("records")]
    columns = {name: [row[name] for row in rows] for name in rows[0]}
    expected = hfscale.patchset_from_table(search(), file)
    for table in (frame(), rows, columns, str(file)):
        assert hfscale.patchset_from_table(search(), table) == expected


@pytest.mark.filterwarnings(PYHF_WARNING)
def test_pyhf_accepts_the_patchset_and_computes_the_same_cls(tmp_path: Path) -> None:
    workspace = search()
    patchset = hfscale.patchset_from_table(workspace, frame(), hepdata="ins1234567", description="mine")
    given = copy.deepcopy(patchset)
    theirs = pyhf.PatchSet(patchset)
    theirs.verify(pyhf.Workspace(workspace))
    assert (theirs.references, theirs.description) == ({"hepdata": "ins1234567"}, "mine")
    results = hfscale.cls(workspace, patchset, store=tmp_path / "recast.zarr", executor="local")
    for point in results.to_list():
        applied = pyhf.Workspace(theirs.apply(pyhf.Workspace(workspace), point["name"]))
        model = applied.model()
        found = pyhf.infer.hypotest(1.0, applied.data(model), model)
        assert point["CLs_obs"] == pytest.approx(float(found), abs=2e-5)
    assert patchset == given


def test_points_have_the_names_and_labels_that_the_table_gives_them() -> None:
    table = {"name": ["one"], "mass": ["heavy"], "channel": ["CR"], "yield": [2], "weight": [3]}
    named = hfscale.patchset_from_table(search(), table)
    assert named["metadata"]["labels"] == ["mass", "weight"]
    assert named["patches"][0]["metadata"] == {"name": "one", "values": ["heavy", 3]}
    with pytest.raises(SchemaError, match="'weight' has no meaning"):
        hfscale.patchset_from_table(search(), table, labels=["mass"])
    with pytest.raises(SchemaError, match="no column 'mas'; is it the one that is called 'mass'"):
        hfscale.patchset_from_table(search(), table, labels=["mas", "weight"])


def test_the_parameter_of_interest_scales_the_signal() -> None:
    table = {"mass": [1], "channel": ["CR"], "yield": [2.0]}
    patchset = hfscale.patchset_from_table(search(), table, poi="mu_mine")
    assert added(patchset, 0)["/channels/1/samples/-"]["modifiers"][0]["name"] == "mu_mine"
    without = search()
    without["measurements"][0]["config"]["poi"] = ""
    with pytest.raises(SelectionError, match="no parameter of interest"):
        hfscale.patchset_from_table(without, table)


@pytest.mark.parametrize(
    ("old", "new", "what", "line"),
    [
        ("400, 0, SR, 1, 3.0", "400, 0, SRR, 1, 3.0", "no channel 'SRR'; is it 'SR'", 2),
        ("400, 0, SR, 1, 3.0", "400, 0, SR, 2, 3.0", "the bin '2' is none of 'SR'", 2),
        ("400, 0, SR, 1, 3.0", "400, 0, SR, 0, 3.0", "2 rows for it, of 1 bins", 2),
        ("400, 0, SR, 1, 3.0, 0.5, 1.2, 0.9, 1.1, 0.9\n", "", "'SR' has 2 bins, the table has 1 rows", 2),
        ("SR, 1, 3.0", "SR, 1, -3.0", "'yield' is '-3.0'", 2),
        ("SR, 1, 3.0", "SR, 1, nan", "'yield' is 'nan'", 2),
        ("SR, 1, 3.0", "SR, 1, three", "'yield' is 'three'", 2),
        ("SR, 1, 3.0", "SR, 1, ", "column 'yield' is empty", 2),
        ("3.0, 0.5", "3.0, -0.5", "'stat' is '-0.5'", 2),
        ("SR, 1, 3.0", "SR, 1, 0", "a yield of 0 has a statistical uncertainty", 2),
        ("1.2, 0.9", "1.2, 0", "'jes_down' is '0'", 2),
        ("1.2, 0.9", "1.2, ", "'jes' is given for a part of its bins", 2),
        ("400, 0, CR, 0, 2.0, , , , ,", "400, 0, CR, 0, 2.0", "number of cells is not that of the header", 4),
        ("400, 100.5, SR, 0", "400, inf, SR, 0", "'m_light' is inf", 5),
        (", jes_down", ", jes_low", "no column 'jes_down'", None),
        ("yield", "yields", "no column 'yield'; is it the one that is called 'yields'", None),
    ],
)
def test_what_is_wrong_is_named_with_its_line(old: str, new: str, what: str, line: int | None, tmp_path: Path) -> None:
    file = tmp_path / "yields.csv"
    assert old in TABLE
    file.write_text(TABLE.replace(old, new, 1))
    with pytest.raises(HfscaleError, match=what) as raised:
        hfscale.patchset_from_table(search(), file)
    assert raised.value.remedy
    assert line is None or f"line {line}" in str(raised.value.place)


def test_a_nan_of_a_data_frame_is_no_yield() -> None:
    table = frame()
    table.loc[1, "yield"] = float("nan")
    with pytest.raises(SchemaError, match="'yield' is empty or NaN") as raised:
        hfscale.patchset_from_table(search(), table)
    assert raised.value.place == "row 1"


@pytest.mark.parametrize(
    ("table", "what"),
    [
        ({"m": [1, 2], "channel": ["CR"], "yield": [1.0]}, "different lengths"),
        ([], "has no rows"),
        (3.0, "float is no table"),
        ("missing.csv", "missing.csv cannot be read"),
        ({"channel": ["CR"], "yield": [1.0]}, "no column has a label"),
        ({"m m": [1], "channel": ["CR"], "yield": [1.0]}, "patchset"),
    ],
)
def test_what_is_no_such_table_is_refused(table: Any, what: str) -> None:
    with pytest.raises(InputError, match=what):
        hfscale.patchset_from_table(search(), table)


def test_a_sample_that_is_there_is_not_added_again() -> None:
    with pytest.raises(InputError, match="has a sample 'background' already"):
        hfscale.patchset_from_table(search(), frame(), sample="background")
