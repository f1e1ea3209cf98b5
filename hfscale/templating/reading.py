"""Filling histograms with the events of ntuples, of which every branch is read once for several templates.

What is filled is to the last bit what cabinetry's own function fills, which does all that is not common here: remote
files, many events or files, RNTuples, and everything that goes wrong.
"""

import glob
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from hfscale.templating.recipes import Template

_MOST_EVENTS = 4_000_000
"""Of all files of a template. Whole branches of more events need much memory; cabinetry reads them in pieces."""
_MOST_FILES = 32
_CACHED_BYTES = 256_000_000


class OpenTrees:
    """Trees that stay open while templates are filled with their events. Use it in a ``with`` statement."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._trees: dict[tuple[tuple[str, ...], str], list[Any] | None] = {}

    def __enter__(self) -> "OpenTrees":
        """Return itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close all files."""
        self._stack.close()

    def fill(self, template: Template, tree: str) -> Any:
        """Return a histogram of boost-histogram with the events of a template; raises what cabinetry and uproot do."""
        from cabinetry.contrib import histogram_creator
        from uproot.exceptions import KeyInFileError

        try:
            filled = self._fill(template, tree)
        except (KeyInFileError, OSError, SyntaxError, AttributeError, TypeError, ValueError):
            # Once more, and it fails as it does in cabinetry.
            filled = None
        if filled is not None:
            return filled
        return histogram_creator.with_uproot(
            [Path(path) for path in template.paths],
            tree,
            template.variable,
            np.asarray(template.bins),
            weight=template.weight,
            selection_filter=template.selection,
        )

    def _fill(self, template: Template, name: str) -> Any:
        import boost_histogram as bh

        trees = self._open(template.paths, name)
        if trees is None:
            return None
        constant = _constant(template.weight)
        expressions = [template.variable] if constant is not None else [template.variable, str(template.weight)]
        read = [tree.arrays(expressions, cut=template.selection) for tree in trees]
        observed = np.concatenate([arrays[template.variable].to_numpy() for arrays in read])
        if constant is None:
            weights = np.concatenate([arrays[template.weight].to_numpy() for arrays in read])
        else:
            weights = np.ones_like(observed) * constant
        filled = bh.Histogram(bh.axis.Variable(np.asarray(template.bins)), storage=bh.storage.Weight())
        filled.fill(observed, weight=weights)
        return filled

    def _open(self, paths: Sequence[str], name: str) -> list[Any] | None:
        """Return the trees of all files in their order; None where this is for cabinetry to read."""
        key = (tuple(paths), name)
        if key not in self._trees:
            files = _local_files(paths)
            self._trees[key] = None if files is None else self._opened(files, name)
        return self._trees[key]

    def _opened(self, files: Sequence[str], name: str) -> list[Any] | None:
        import uproot

        trees = []
        cached = _CACHED_BYTES // len(files)
        for file in files:
            opened = self._stack.enter_context(uproot.open(file, object_cache=None, array_cache=cached))
            trees.append(opened[name])
        common = all(isinstance(tree, uproot.TTree) and tree.num_entries for tree in trees)
        return trees if common and sum(tree.num_entries for tree in trees) <= _MOST_EVENTS else None


def _local_files(paths: Sequence[str]) -> list[str] | None:
    """Return the files that uproot finds by the paths, in its order; None for places that are no plain local files."""
    if any(mark in path for path in paths for mark in ":{}~"):
        return None
    files = [file for path in paths for file in (glob.glob(path) if any(c in path for c in "*?[") else [path])]  # noqa: PTH207 (as uproot)
    return files if 0 < len(files) <= _MOST_FILES else None


def _constant(weight: str | None) -> float | None:
    """Return a weight that is a number; None for an expression."""
    try:
        return 1.0 if weight is None else float(weight)
    except ValueError:
        return None
