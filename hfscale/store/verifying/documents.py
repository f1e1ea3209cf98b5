"""Checks of what a store was made with: metadata, coordinates, plan, inputs."""

import gzip
import json
from collections.abc import Iterator, Mapping
from typing import Any, Literal

from hfscale.errors import InputError, StoreError
from hfscale.plan.digests import digest
from hfscale.plan.tasks import Plan, make_plan
from hfscale.plan.toys import ToyRound, make_round
from hfscale.store import files
from hfscale.store.chunks import chunk_key, flaw_of
from hfscale.store.layout import TOY_VARIABLES, variables_of
from hfscale.store.places import Place
from hfscale.store.seals import file_digest, is_intact
from hfscale.store.verifying.damage import Damage

_MALFORMED = (KeyError, TypeError, ValueError, AttributeError)


def broken_document(path: Place) -> Literal["missing", "torn"] | None:
    """Say what is wrong with a JSON file, gzipped if its name says so, if it cannot be read."""
    try:
        files.read_json(path)
    except StoreError:
        return "torn" if path.exists() else "missing"
    return None


def is_whole_root(root: Mapping[str, Any]) -> bool:
    """Say whether the metadata of the root group have the form that they are written in."""
    try:
        kept, settings = root["consolidated_metadata"], root["attributes"]["settings"]
        form = (root["zarr_format"], root["node_type"], kept["kind"], kept["must_understand"])
        variables_of(settings["calculation"])
        texts = [*settings["points"], *root["attributes"]["labels"]]
        return (
            form == (3, "group", "inline", False)
            and isinstance(settings["inputs"], dict)
            and all(isinstance(text, str) for text in texts)
            and all(_is_whole_node(node) for node in kept["metadata"].values())
        )
    except (*_MALFORMED, IndexError):
        return False


def _is_whole_node(node: Mapping[str, Any]) -> bool:
    if node["node_type"] != "array":
        return bool(node["node_type"] == "group")
    sizes = [*node["shape"], *node["chunk_grid"]["configuration"]["chunk_shape"]]
    return len(sizes) == 2 * len(node["shape"]) and all(isinstance(size, int) and size >= 0 for size in sizes)


def check_nodes(store: Place, root: Mapping[str, Any]) -> Iterator[Damage]:
    """Check the metadata of every group and array against those that the root keeps of all of them."""
    for name, kept in sorted(root["consolidated_metadata"]["metadata"].items()):
        path = store / name / "zarr.json"
        piece = path.relative_to(store).as_posix()
        broken = broken_document(path)
        if broken is not None:
            yield Damage(broken, piece, f"the metadata of {name} cannot be read")
            continue
        own = files.read_json(path)
        if any(own.get(key) != value for key, value in kept.items() if key != "consolidated_metadata"):
            yield Damage("altered", piece, f"the metadata of {name} are not those that the root of the store keeps")


def check_coordinates(store: Place, root: Mapping[str, Any], results: frozenset[str]) -> Iterator[Damage]:
    """Check the chunk of every array that is no result; a manifest tells whether one is missing."""
    for name, node in sorted(root["consolidated_metadata"]["metadata"].items()):
        if node["node_type"] != "array" or name in results or name.rpartition("/")[2] in _results_of_rounds(name):
            continue
        piece = "/".join([name, "c", *("0" for _ in node["shape"])])
        path = store / piece
        flaw = flaw_of(path.read_bytes()) if path.is_file() else None
        if flaw is not None:
            yield Damage(flaw, piece, f"the values of {name} are damaged")


def _results_of_rounds(name: str) -> frozenset[str]:
    return frozenset(TOY_VARIABLES) if name.startswith("toys/") else frozenset()


def check_manifest(store: Place, manifest: Place, attributes: Mapping[str, Any], group: str) -> Iterator[Damage]:
    """Check that what a store, or a round of its toys, was made with is what it was.

    Args:
        store: Folder of the store.
        manifest: The file with the digests.
        attributes: Attributes of the group.
        group: Path of the metadata of the group inside of the store.
    """
    piece = manifest.relative_to(store).as_posix()
    broken = broken_document(manifest)
    if broken is not None:
        yield Damage(broken, piece, "the digests of what the store was made with cannot be read")
        return
    document = files.read_json(manifest)
    if not isinstance(document, dict) or not is_intact(document) or not {"files", "attributes"} <= document.keys():
        yield Damage("altered", piece, "the digests of what the store was made with are not those that were written")
        return
    if document["attributes"] != digest(dict(attributes)):
        yield Damage("altered", group, "settings, labels or provenance are not those that the store was made with")
    for name, known in document["files"].items():
        path = store / name
        if not path.is_file():
            yield Damage("missing", name, "a piece that the store was made with is missing")
        elif file_digest(path) != known:
            yield Damage(_flaw_of_file(path, name), name, "it is not what the store was made with")


def _flaw_of_file(path: Place, name: str) -> Literal["torn", "altered"]:
    data = path.read_bytes()
    if chunk_key(name) is not None:
        return flaw_of(data) or "altered"
    try:
        json.loads(gzip.decompress(data) if path.suffix == ".gz" else data)
    except (OSError, EOFError, ValueError):
        return "torn" if not data or path.suffix != ".gz" or _ends_early(data) else "altered"
    return "altered"


def _ends_early(data: bytes) -> bool:
    try:
        gzip.decompress(data)
    except EOFError:
        return True
    except (OSError, ValueError):
        return False
    return False


def read_plan(store: Place, settings: Mapping[str, Any]) -> tuple[Plan | None, list[Damage]]:
    """Read the plan and check that its tasks are those of the settings; None if it cannot be read."""
    path = files.plan_file(store)
    piece = path.relative_to(store).as_posix()
    try:
        plan = Plan.from_json(files.read_json(path))
    except (StoreError, *_MALFORMED):
        return None, [Damage("torn" if path.exists() else "missing", piece, "the plan cannot be read")]
    names = settings["points"]
    try:
        proper = make_plan(len(names), plan.task_points, digest(dict(settings)), names)
    except InputError:
        proper = None
    if plan != proper:
        return plan, [Damage("altered", piece, "its tasks are not those of the settings and points of the store")]
    return plan, []


def read_rounds(store: Place, settings: Mapping[str, Any]) -> tuple[tuple[ToyRound, ...], list[Damage]]:
    """Read the plans of toys that can be read, and check that their tasks are those of the settings."""
    rounds, found = [], []
    for path in files.toys_files(store):
        piece = path.relative_to(store).as_posix()
        try:
            toys = ToyRound.from_json(files.read_json(path))
        except (StoreError, *_MALFORMED):
            found.append(Damage("torn", piece, "the plan of toys cannot be read"))
            continue
        rounds.append(toys)
        if files.toys_file(store, toys.number) != path or not _is_proper(toys, settings):
            found.append(Damage("altered", piece, "its tasks are not those of the settings and points of the store"))
    return tuple(rounds), found


def _is_proper(toys: ToyRound, settings: Mapping[str, Any]) -> bool:
    # Identities of tasks were once made without a POI value; these cannot be made again.
    if any(task.id.count("-") < _DASHES for task in toys.tasks):
        return True
    try:
        proper = make_round(
            number=toys.number,
            seed=toys.seed,
            first=toys.first,
            ntoys=toys.count,
            task_toys=toys.task_toys,
            cells=list(toys.by_cell),
            names=settings["points"],
            settings_digest=digest(dict(settings)),
        )
    except (InputError, IndexError):
        return False
    return proper.tasks == toys.tasks


_DASHES = 5


def check_inputs(store: Place, settings: Mapping[str, Any]) -> Iterator[Damage]:
    """Check that the copy of the inputs can be read and is that which the settings name."""
    path = files.inputs_file(store)
    piece = path.relative_to(store).as_posix()
    broken = broken_document(path)
    if broken is not None:
        yield Damage(broken, piece, "the copy of the inputs cannot be read")
        return
    inputs = files.read_json(path)
    for role in ("workspace", "patchset"):
        key = f"{role}_digest"
        if key in inputs and inputs[key] != settings["inputs"].get(role):
            yield Damage("altered", piece, f"it is of another {role} than the settings of the store")
