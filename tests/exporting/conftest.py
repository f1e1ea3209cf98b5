"""Stores of every kind of calculation, of one small search."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.program import Search, hfscale, make_search, patchset_of, signal_patch, small_workspace

CALCULATIONS: Mapping[str, tuple[str, ...]] = {
    "cls": ("cls",),
    "limit": ("limit",),
    "significance": ("significance",),
    "scan": ("scan", "--poi-grid", "0.5:1.5:3"),
    "profile": ("scan", "--parameter", "mu"),
    "toys": ("cls", "--calctype", "toybased", "--ntoys", "60", "--seed", "7"),
    "toylimit": ("limit", "--calctype", "toybased", "--ntoys", "60", "--poi-grid", "0.2:3:4"),
    "toysignificance": ("significance", "--calctype", "toybased", "--ntoys", "60"),
    "blind": ("cls", "--expected-only"),
    "theory": ("cls", "--signal-uncertainty", "0.2"),
    "ranking": ("ranking",),
}


@pytest.fixture(scope="session")
def search(tmp_path_factory: pytest.TempPathFactory) -> Search:
    """Twelve masses, the last of which have no signal; heavier ones are not excluded."""
    workspace = small_workspace()
    patches = [
        {
            "metadata": {"name": f"s_{heavy}_{light}", "values": [heavy, light, 25, f"{light} at {heavy}"]},
            "patch": signal_patch([3.6e3 / heavy - 3.0, (1.2e3 - heavy) * (1.6e3 - light) / 1e5]),
        }
        for heavy in (200, 400, 800, 1200)
        for light in (0, 100, 150)
    ]
    labels = ["m_heavy", "m_light", "m_fixed", "file"]
    return make_search(tmp_path_factory.mktemp("search"), workspace, patchset_of(workspace, patches, labels))


class Stores(Mapping[str, Path]):
    """The stores of the calculations, made when they are first asked for; not to be changed."""

    def __init__(self, search: Search) -> None:
        self._search = search

    def __getitem__(self, name: str) -> Path:
        path = self._search.folder / f"{name}.zarr"
        if not path.exists():
            verb, *options = CALCULATIONS[name]
            given = (self._search.workspace, self._search.patchset, "-o", path, "--executor", "local")
            ended = hfscale(verb, *given, "--task-points", 4, *options)
            assert ended.code == 0, ended
        return path

    def __iter__(self) -> Iterator[str]:
        return iter(CALCULATIONS)

    def __len__(self) -> int:
        return len(CALCULATIONS)


@pytest.fixture(scope="session")
def stores(search: Search) -> Mapping[str, Path]:
    """A store of each calculation."""
    return Stores(search)
