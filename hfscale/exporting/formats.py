"""Exporting results to any of the formats, to memory or to files."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple, Unpack

from hfscale.errors import InputError
from hfscale.exporting.columns import columns_of
from hfscale.exporting.harvest import NOMINAL, UNNAMED_VARIATIONS, harvest
from hfscale.exporting.hepdata.submission import submission
from hfscale.exporting.options import OF_SEVERAL, ExportOptions, Format
from hfscale.exporting.pyhf_json import pyhf_json_text
from hfscale.exporting.sources import Source, parse_axis, read_sources
from hfscale.exporting.tabular import csv_text, npz_bytes, parquet_bytes
from hfscale.exporting.writing import check_file, check_folder, write_file, write_folder
from hfscale.plot.keywords import SurfaceKeywords
from hfscale.store.open import open_store
from hfscale.store.places import Place
from hfscale.store.store import ResultStore

_SINGLE: Mapping[str, Callable[[Source], bytes]] = MappingProxyType(
    {
        "csv": lambda source: csv_text(columns_of(source)).encode(),
        "parquet": lambda source: parquet_bytes(columns_of(source)),
        "numpy": lambda source: npz_bytes(columns_of(source)),
        "json": lambda source: pyhf_json_text(source).encode(),
    }
)
"""Formats of the results of one store, each a file."""


class Rendered(NamedTuple):
    """An export in memory.

    Attributes:
        files: Contents by name: of the files of a folder, or of a single file, without name. Beside a harvest list,
            those with the cross-section of the signal varied have the names Up and Down.
        messages: What is not in it, a sentence each.
    """

    files: dict[str, bytes]
    messages: tuple[str, ...] = ()


class Exported(NamedTuple):
    """An export on disk.

    Attributes:
        path: The file, or the folder of a submission to HEPData.
        messages: What is not in it, a sentence each.
        others: Further files: harvest lists with the cross-section of the signal varied.
    """

    path: Path
    messages: tuple[str, ...]
    others: tuple[Path, ...] = ()


def render(stores: Sequence[ResultStore], kind: Format, options: ExportOptions) -> Rendered:
    """Export results without writing them.

    Raises:
        InputError: No such format, an option that it has no use for, or a package that it needs is missing.
        SelectionError: The format has no place for such results, or no point is chosen.
        StoreMismatchError: The stores do not belong together.
    """
    options.check(kind)
    if len(stores) != 1 and (kind not in OF_SEVERAL or not stores):
        raise InputError(f"the format {kind} takes one store", remedy="export the stores one by one")
    sources = read_sources(stores, options.select, options.poi)
    axes = tuple(parse_axis(text) for text in (options.x, options.y) if text is not None)
    if kind == "harvest":
        found = harvest(sources, axes)
        varied = {name: found.text(name).encode() for name in found.variations}
        return Rendered({"": found.text().encode(), **varied}, found.messages)
    if kind == "hepdata":
        return Rendered(*submission(sources, axes, options))
    return Rendered({"": _SINGLE[kind](sources[0])})


def export_stores(
    stores: Sequence[str | Place | ResultStore], kind: Format, output: Path, options: ExportOptions
) -> Exported:
    """Export results to a file, or a folder for HEPData.

    Raises:
        InputError, SelectionError, StoreMismatchError: As `render`, or the output cannot be written; then nothing is.
        StoreError: There is no store.
    """
    options.check(kind)
    (check_folder if kind == "hepdata" else check_file)(output)
    opened = [store if isinstance(store, ResultStore) else open_store(store) for store in stores]
    rendered = render(opened, kind, options)
    if kind == "hepdata":
        write_folder(output, rendered.files)
        return Exported(output, rendered.messages)
    nominal, *varied = rendered.files
    names = {name: output.with_name(output.name.replace(NOMINAL, name)) for name in varied if NOMINAL in output.name}
    for name, path in {**names, nominal: output}.items():
        write_file(path, rendered.files[name])
    lacking = (UNNAMED_VARIATIONS,) if varied and not names else ()
    return Exported(output, (*rendered.messages, *lacking), tuple(names.values()))


def export(
    store: str | Place | ResultStore | Sequence[str | Place | ResultStore],
    format: Format,
    output: str | Path,
    *,
    x: str | None = None,
    y: str | None = None,
    select: str | None = None,
    poi: float | None = None,
    units: Mapping[str, str] = MappingProxyType({}),
    keywords: Mapping[str, Sequence[str | int | float]] = MappingProxyType({}),
    resources: Mapping[str | Path, str] = MappingProxyType({}),
    **surface: Unpack[SurfaceKeywords],
) -> Exported:
    """Write results for other programs.

    Args:
        store: The store, or its path; for harvest and hepdata also several that hold CLs, upper limits and
            significances of the same points.
        format: ``harvest``, the list that HistFitter's contour scripts read; ``hepdata``, a folder to submit; ``csv``,
            ``parquet`` or ``numpy``, all numbers; ``json``, what ``pyhf cls`` prints of one point, for all.
        output: The file or, for hepdata, a folder that is new or empty. Nothing is written if anything is wrong.
        x, y: Axes, expressions of the labels or ``NAME=EXPRESSION`` (harvest and hepdata). With both, a submission has
            the contours of that plane.
        select: Condition on the labels that points must meet, such as ``m_n1 == 60``.
        poi: The one POI value to take, of a scan.
        units: Units of labels and axes by name; those of the empty name hold for all others. Like all below, for
            hepdata alone.
        keywords: Keywords of all tables: of ``cmenergies``, ``observables``, ``reactions`` and ``phrases``.
        resources: Files to enclose, with what they are.
        **surface: How contours are made, see `hfscale.plot.keywords.SurfaceKeywords`.

    Returns:
        Where it is, and sentences about what is not in it.

    Raises:
        InputError: The output cannot be written, or an option is wrong.
        SelectionError: The format has no place for such results, or no point is chosen.
        StoreError: There is no store, or the stores do not belong together.
    """
    options = ExportOptions(
        x=x,
        y=y,
        select=select,
        poi=poi,
        surface=surface,
        units=dict(units),
        keywords=dict(keywords),
        resources={Path(file): text for file, text in resources.items()},
    )
    stores = [store] if isinstance(store, str | Place | ResultStore) else store
    return export_stores(stores, format, Path(output), options)
