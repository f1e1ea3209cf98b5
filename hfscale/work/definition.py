"""What a campaign computes, as far as its tasks need to know it. Knows no JAX, so that drivers can send it."""

import json
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from hfscale.plan.digests import digest
from hfscale.plan.settings import Calculation
from hfscale.store.open import open_store
from hfscale.store.store import ResultStore
from hfscale.workspace import Inputs


@dataclass(frozen=True)
class Definition:
    """The settings and the inputs of a campaign. Pickles; equal ones have the same results.

    Attributes:
        place: Path of the store that the inputs are read from, empty where they are brought along.
        digest: That of the settings, which hold digests of the inputs.
        settings: The settings document of the store.
        read_inputs: Reads the document of the inputs.
    """

    place: str
    digest: str
    settings: Mapping[str, Any] = field(compare=False)
    read_inputs: Callable[[], Mapping[str, Any]] = field(compare=False)

    @property
    def calculation(self) -> Calculation:
        """What is computed."""
        return Calculation.model_validate(self.settings["calculation"])

    def inputs(self) -> Inputs:
        """Read the inputs."""
        return Inputs.from_json(dict(self.read_inputs()))


def definition_of(store: ResultStore) -> Definition:
    """Return the definition of a store, for processes that can open it; the inputs are read when they are needed."""
    place = str(store.path)
    return Definition(place, digest(store.settings), store.settings, partial(_read, place))


def portable_definition(store: ResultStore) -> Definition:
    """Return the definition of a store with its inputs, for processes that cannot open it."""
    packed = zlib.compress(json.dumps(store.inputs(), separators=(",", ":"), allow_nan=False).encode())
    return Definition("", digest(store.settings), store.settings, partial(_unpack, packed))


def _read(place: str) -> dict[str, Any]:
    return open_store(place).inputs()


def _unpack(packed: bytes) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(zlib.decompress(packed))
    return document
