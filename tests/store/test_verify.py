"""Verifying stores: every kind of damage is found and named, and nothing is found where there is none."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import zarr

from hfscale.errors import StoreBusyError, StoreError
from hfscale.inference.toys.results import ToyStatus
from hfscale.plan.cells import Cell
from hfscale.plan.digests import digest, settings_document
from hfscale.plan.tasks import Task, make_plan
from hfscale.plan.toys import make_round
from hfscale.store import files
from hfscale.store.chunks import flaw_of
from hfscale.store.open import open_store
from hfscale.store.store import ResultStore
from hfscale.store.toys import create_round, empty_toys
from hfscale.store.verifying.damage import Damage
from hfscale.store.verifying.verify import forget, verify
from tests.store.conftest import MU, NAMES

LEDGER = "_hfscale/ledger"
SETTINGS = settings_document(
    {}, "m", "mu", {"test_poi": 1.0, "calctype": "toybased"}, NAMES, ["m_x", "mu", "decay"]
)  # fmt: skip


@pytest.fixture
def store(make_store: Callable[..., ResultStore], block: Callable[[Task], dict[str, np.ndarray]]) -> ResultStore:
    """A store of points and toys; of three tasks of points the last is not done, of six of toys the first two are."""
    toys = make_round(0, 0, 5, 20, 10, [Cell(0), Cell(1), Cell(6)], NAMES, digest(SETTINGS))
    store = make_store(settings=SETTINGS, plan=make_plan(7, 3, digest(SETTINGS), NAMES), rounds=(toys,))
    for task in store.plan.tasks[:2]:
        store.write_block(task, {name: array for name, array in block(task).items() if name in store.variables})
        store.mark_done(task, {"seconds": 2.0, "reasons": {}})
    for toy_task in toys.tasks[:2]:
        arrays = empty_toys(toy_task.count)
        for name, array in arrays.items():
            array[...] = ToyStatus.OK if name == "status" else np.arange(toy_task.count)
        store.write_toys(toy_task, arrays)
        store.mark_toys_done(toy_task, {"seconds": 2.0, "failed": {"sb": 0, "b": 0}, "failed_toys": []})
    return store


def damage_of(store: ResultStore) -> list[Damage]:
    return list(verify(store.path).damage)


def found(store: ResultStore) -> list[tuple[str, str]]:
    return [(damage.kind, damage.piece) for damage in damage_of(store)]


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[-5] ^= 1  # of a chunk, the last byte before its checksum
    path.write_bytes(data)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-3])


def marker(store: ResultStore, toys: bool = False) -> str:
    task = store.rounds[0].tasks[0] if toys else store.plan.tasks[1]
    return f"{LEDGER}/done/{task.id}.json"


def test_an_unfinished_store_is_sound(store: ResultStore) -> None:
    events = files.events_folder(store.path)
    events.mkdir()
    (events / "run.jsonl").write_text("{}")
    verification = verify(store.path)
    assert verification.sound
    assert verification.tasks == 4
    assert verification.to_json() == {"store": str(store.path), "sound": True, "tasks": 4, "damage": []}


def test_data_without_markers_are_no_damage_whatever_they_hold(store: ResultStore) -> None:
    (store.path / marker(store)).unlink()
    cut(store.path / "q" / "c" / "1" / "0")
    (store.path / "mu_hat" / "c" / "1").unlink()
    assert found(store) == []
    assert np.isnan(store.to_xarray()["q"].values[3:]).all()


CHUNKS = [("q/c/1/0", False), ("status/c/1/0", False), ("toys/0000/mu_hat/c/0/0/0/0", True)]


@pytest.mark.parametrize(("chunk", "toys"), CHUNKS)
@pytest.mark.parametrize(("strike", "kind"), [(flip, "altered"), (cut, "torn"), (Path.unlink, "missing")])
def test_a_damaged_chunk_is_found_with_its_task_and_refused_by_readers(
    store: ResultStore, chunk: str, toys: bool, strike: Callable[[Path], None], kind: str
) -> None:
    strike(store.path / chunk)
    (damage,) = damage_of(store)
    assert (damage.kind, damage.piece) == (kind, chunk)
    task = store.rounds[0].tasks[0] if toys else store.plan.tasks[1]
    assert damage.task == task.id
    assert damage.points == (("signal_0",) if toys else ("signal_3", "signal_4", "signal_5"))
    assert "--forget" in damage.remedy
    place = "/".join(chunk.split("/c/")[1].split("/"))
    with pytest.raises(StoreError, match=rf"chunk {place} of the array {chunk.split('/c/')[0]} in .* is {kind}"):
        next(store.read_toys([Cell(0)])) if toys else store.to_xarray().load()


@pytest.mark.parametrize("size", [0, 1, 4, 9, 17, 30])
def test_cut_data_are_torn_wherever_the_cut_is(store: ResultStore, size: int) -> None:
    whole = (store.path / "parameters_free" / "c" / "0" / "0").read_bytes()
    assert len(whole) > 30
    assert flaw_of(whole) is None
    assert flaw_of(whole[:size]) == "torn"
    assert flaw_of(whole + b"more") == "altered"


def test_forgetting_removes_the_markers_of_damaged_tasks_alone(store: ResultStore) -> None:
    before = store.done() | store.done_toys()
    flip(store.path / "q/c/1/0")
    cut(store.path / "toys/0000/q/c/0/0/0/0")
    (store.path / "notes.txt").write_text("mine")
    verification = verify(store.path)
    lost = {store.plan.tasks[1].id, store.rounds[0].tasks[0].id}
    with store.locked(), pytest.raises(StoreBusyError):
        forget(verification)
    assert set(forget(verification)) == lost
    assert store.done() | store.done_toys() == before - lost
    assert found(store) == [("foreign", "notes.txt")]
    assert forget(verify(store.path)) == ()
    assert store.point_status()[:, 0].tolist() == [1, 1, 1, 0, 0, 0, 0]


def test_numbers_that_were_written_by_others_are_found_though_their_chunks_are_whole(store: ResultStore) -> None:
    zarr.open_array(store.path / "q", mode="r+")[4, 0] = 0.125
    (damage,) = damage_of(store)
    assert (damage.kind, damage.piece, damage.task) == ("altered", marker(store), store.plan.tasks[1].id)
    assert "signal points 3 to 5" in damage.what


@pytest.mark.parametrize("toys", [False, True])
@pytest.mark.parametrize("fault", ["cut", "changed", "of another task"])
def test_a_damaged_marker_is_found(store: ResultStore, fault: str, toys: bool) -> None:
    path = store.path / marker(store, toys)
    if fault == "cut":
        cut(path)
    elif fault == "changed":
        path.write_text(path.read_text().replace('"seconds": 2.0', '"seconds": 3.0'))
    else:
        tasks = store.rounds[0].tasks if toys else store.plan.tasks
        path.write_bytes(files.done_file(store.path, tasks[1 if toys else 0].id).read_bytes())
    kind = "torn" if fault == "cut" else "altered"
    assert found(store) == [(kind, marker(store, toys))]
    assert len(forget(verify(store.path))) == 1
    assert found(store) == []


def test_markers_of_earlier_versions_have_no_digest_of_their_own(store: ResultStore) -> None:
    path = store.path / marker(store)
    document = json.loads(path.read_text())
    del document["digest"]
    path.write_text(json.dumps(document))
    assert found(store) == []


@pytest.mark.parametrize(
    "piece",
    [
        "q/zarr.json",
        "toys/0000/q/zarr.json",
        "name/c/0",
        "m_x/c/0",
        "toys/0000/seed/c",
        f"{LEDGER}/plan.json",
        f"{LEDGER}/inputs.json.gz",
        f"{LEDGER}/manifest.json",
        f"{LEDGER}/toys-0000-manifest.json",
    ],
)
def test_a_damaged_piece_that_the_store_was_made_with_is_found(store: ResultStore, piece: str) -> None:
    path = store.path / piece
    whole = path.read_bytes()
    for strike, kind in ((flip, "altered"), (cut, "torn"), (Path.unlink, "missing")):
        strike(path)
        kinds = {name: kind for kind, name in found(store)}
        assert piece in kinds
        if strike is not flip or piece.endswith(("c", "c/0")):
            assert kinds[piece] == kind
        assert forget(verify(store.path)) == () or "plan" in piece
        path.write_bytes(whole)
    assert found(store) == []


def test_a_damaged_plan_of_toys_is_found(store: ResultStore) -> None:
    path = files.toys_file(store.path, 0)
    cut(path)
    assert ("torn", f"{LEDGER}/toys-0000.json.gz") in found(store)


def test_another_value_of_a_setting_or_a_label_is_found(store: ResultStore) -> None:
    root = store.path / "zarr.json"
    before = root.read_text()
    root.write_text(before.replace('"test_poi": 1.0', '"test_poi": 2.0', 1))
    assert {piece for _, piece in found(store)} == {"zarr.json", f"{LEDGER}/plan.json", f"{LEDGER}/toys-0000.json.gz"}
    root.write_text(before)
    zarr.open_array(store.path / "m_x", mode="r+")[0] = 17.0
    assert found(store) == [("altered", "m_x/c/0")]


def test_a_damaged_root_is_told_from_a_folder_that_is_no_store(store: ResultStore, tmp_path: Path) -> None:
    cut(store.path / "zarr.json")
    assert found(store) == [("torn", "zarr.json")]
    with pytest.raises(StoreError, match="is damaged"):
        open_store(store.path)
    (store.path / "zarr.json").unlink()
    assert found(store) == [("missing", "zarr.json")]
    with pytest.raises(StoreError, match="is not a result store"):
        verify(tmp_path)
    with pytest.raises(StoreError, match="does not exist"):
        verify(tmp_path / "none")


def test_no_changed_byte_of_the_root_escapes_or_is_a_traceback(store: ResultStore) -> None:
    root = store.path / "zarr.json"
    whole = root.read_bytes()
    places = [k for k in range(0, len(whole), 211) if not whole[k : k + 1].isspace()]
    for k in places:
        root.write_bytes(whole[:k] + bytes([whole[k] ^ 1]) + whole[k + 1 :])
        try:
            assert not verify(store.path).sound, whole[k - 20 : k + 20]
            # What readers say of it is theirs, as long as it is no traceback.
            open_store(store.path)
        except StoreError:
            continue


def test_a_store_of_a_newer_version_is_refused_not_called_damaged(store: ResultStore) -> None:
    root = store.path / "zarr.json"
    root.write_text(root.read_text().replace('"hfscale_format": 1', '"hfscale_format": 99'))
    with pytest.raises(StoreError, match="store format 99") as caught:
        verify(store.path)
    assert caught.value.remedy == "update hfscale"


def test_foreign_pieces_are_found(store: ResultStore) -> None:
    pieces = [
        "notes.txt",
        "q/c/9/0",
        "q/c/0",
        "toys/0000/q/c/3/0/0/0",
        "toys/0007/q/c/0",
        f"{LEDGER}/plan.yaml",
        f"{LEDGER}/done/000003-0123456789abcdef.json",
        f"{LEDGER}/failed/other.json",
    ]
    for piece in pieces:
        (store.path / piece).parent.mkdir(parents=True, exist_ok=True)
        if not (store.path / piece).is_dir():
            (store.path / piece).write_text('{"reason": "x"}')
    expected = {piece for piece in pieces if piece != "q/c/0"}
    assert {(kind, piece) for kind, piece in found(store)} == {("foreign", piece) for piece in expected}


def test_what_a_killed_writer_left_is_found_when_it_is_old(store: ResultStore) -> None:
    left = [store.path / "q" / "c" / "0" / "0.12ab.partial", store.path / "toys" / ".0001.12ab.partial" / "zarr.json"]
    for path in left:
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"half")
    assert found(store) == []
    for path in left:
        os.utime(path, (0, 0))
    assert {kind for kind, _ in found(store)} == {"torn"}
    assert {store.path / piece for _, piece in found(store)} == set(left)


def test_a_further_round_is_no_damage_before_it_is_announced_or_after(store: ResultStore) -> None:
    further = make_round(1, 0, 25, 7, 10, [Cell(0)], NAMES, digest(SETTINGS))
    create_round(store.path, further, NAMES, MU)
    assert found(store) == []
    files.toys_file(store.path, 1).unlink()
    assert found(store) == []
