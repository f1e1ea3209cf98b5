"""Making a patchset of a table of yields, without writing JSON patches."""

import os
import re
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hfscale.errors import InputError, SchemaError, SelectionError
from hfscale.workspace.loading import load_inputs
from hfscale.workspace.points import points_of_patchset
from hfscale.workspace.recasting.columns import BIN, CHANNEL, NAME, Columns, label_value, read_columns
from hfscale.workspace.recasting.rows import Row, read_rows
from hfscale.workspace.recasting.samples import signal_sample
from hfscale.workspace.sources import Document

if TYPE_CHECKING:
    import pandas

_Values = tuple[int | float | str, ...]
_Channel = Mapping[str, Any]


def patchset_from_table(
    workspace: str | Path | Mapping[str, Any],
    table: "str | os.PathLike[str] | pandas.DataFrame | Mapping[str, Sequence[Any]] | Sequence[Mapping[str, Any]]",
    *,
    labels: Sequence[str] | None = None,
    sample: str = "signal",
    poi: str | None = None,
    measurement: str | None = None,
    modifiers: Sequence[Mapping[str, Any]] = (),
    description: str = "Signal yields from a table",
    hepdata: str = "ins0000000",
) -> dict[str, Any]:
    """Make a patchset that adds signals of one's own to a published search (a recast) from a table of yields.

    The table has one row per signal point, channel and bin. Its columns:

    - ``channel``: name of the channel. Channels without a row for a point get no signal of it.
    - ``bin``: number of the bin, from 0. Without this column, rows are the bins in their order.
    - ``yield``: expected events of the signal with the parameter of interest at 1.
    - ``stat``, optional: statistical uncertainty of the yield, in events, independent in every bin.
    - ``NAME_up`` and ``NAME_down``, optional, any number of them: what a systematic uncertainty multiplies the yield
      with at +1 and -1 standard deviation (``normsys`` where that is the same in all bins of a channel, else
      ``histosys``). One that is called as an uncertainty of the workspace is correlated with it. Empty cells: none.
    - ``name``, optional: name of the signal point. Without it, names are made of labels and values.
    - All others, or those in `labels`, have the labels of the signal points, such as masses.

    Args:
        workspace: The background workspace, as `hfscale.cls` takes it.
        table: A CSV file with a header, a data frame, a mapping from columns to values, or a sequence of rows.
        labels: Columns with the labels of the signal points; by default all those without another meaning.
        sample: Name of the sample that is added to the channels.
        poi: Parameter of interest, the measurement's by default; it scales the signal.
        measurement: Name of the measurement, the first by default.
        modifiers: Further modifiers of the sample in all channels, as the workspace would have them, such as
            ``{"name": "lumi", "type": "lumi", "data": None}``.
        description: What the patchset says of itself.
        hepdata: HEPData record of the search, which pyhf's schema asks for: ``ins`` and seven digits.

    Returns:
        The patchset, valid by pyhf's schema, for `hfscale.cls` or a JSON file.

    Raises:
        SourceError: A file cannot be read.
        SchemaError: A column is missing, or a cell is not what it should be; the message names the line or row.
        SelectionError: There is no such channel, or no parameter of interest.
    """
    inputs = load_inputs(workspace, measurement=measurement, needs_poi=False)
    scale = poi or inputs.poi
    if not scale:
        raise SelectionError(
            f"the measurement {inputs.measurement} of {inputs.workspace_source} has no parameter of interest",
            remedy="name the one that is to scale the signal, poi='mu_SIG'",
        )
    rows = read_rows(table)
    columns = read_columns(rows[0], labels)
    channels = {channel["name"]: (k, channel) for k, channel in enumerate(inputs.workspace["channels"])}
    _refuse_unknown(rows, list(channels))
    common = [{"name": scale, "type": "normfactor", "data": None}, *map(dict, modifiers)]
    patches = []
    for values, own in _points(rows, columns).items():
        patch = []
        for name, (index, channel) in channels.items():
            bins = _bins(own.get(name, []), channel, columns)
            signal = signal_sample(sample, name, bins, columns, common) if bins else None
            if signal is not None:
                _refuse_twice(sample, channel)
                patch.append({"op": "add", "path": f"/channels/{index}/samples/-", "value": signal})
        patches.append({"metadata": {"name": _name(values, columns), "values": list(values[1:])}, "patch": patch})
    metadata = {
        "references": {"hepdata": hepdata},
        "description": description,
        "digests": {"sha256": inputs.workspace_digest},
        "labels": list(columns.labels),
    }
    document = {"metadata": metadata, "patches": patches, "version": "1.0.0"}
    points_of_patchset(Document(document, "the patchset of the table"))
    return document


def _points(rows: Sequence[Row], columns: Columns) -> dict[_Values, dict[str, list[Row]]]:
    """Return the rows of each channel of each point, which its name (or nothing) and its labels identify."""
    points: dict[_Values, dict[str, list[Row]]] = {}
    for row in rows:
        name = row.text(NAME) if columns.has_names else ""
        values = (name, *(label_value(row, label) for label in columns.labels))
        points.setdefault(values, {}).setdefault(row.text(CHANNEL), []).append(row)
    return points


def _bins(rows: Sequence[Row], channel: _Channel, columns: Columns) -> list[Row]:
    """Return the rows of the bins of a channel in their order; none if there is no row at all."""
    expected = len(channel["samples"][0]["data"])
    if not rows:
        return []
    bins = {_bin(row, expected) if columns.has_bins else k: row for k, row in enumerate(rows)}
    if len(rows) != expected or len(bins) != expected:
        raise SchemaError(
            f"the channel {channel['name']!r} has {expected} bins, the table has {len(rows)} rows for it"
            + (f", of {len(bins)} bins" if len(bins) < len(rows) else ""),
            place="; ".join(dict.fromkeys((rows[0].place, rows[-1].place))),
            remedy="give every bin of the channel once, with the yield 0 where there is no signal",
        )
    return [bins[k] for k in range(expected)]


def _bin(row: Row, expected: int) -> int:
    number = row.number(BIN)
    if number is None or not number.is_integer() or number >= expected:
        raise SchemaError(
            f"the bin {row.values.get(BIN)!r} is none of {row.text(CHANNEL)!r}",
            place=row.place,
            remedy=f"number the bins from 0 to {expected - 1}",
        )
    return int(number)


def _refuse_unknown(rows: Sequence[Row], channels: Sequence[str]) -> None:
    for row in rows:
        name = row.text(CHANNEL)
        if name in channels:
            continue
        near = get_close_matches(name, channels, n=1)
        raise SelectionError(
            f"the workspace has no channel {name!r}" + (f"; is it {near[0]!r}?" if near else ""),
            place=row.place,
            remedy=f"its channels are {', '.join(channels)}",
        )


def _refuse_twice(sample: str, channel: _Channel) -> None:
    if any(other["name"] == sample for other in channel["samples"]):
        raise InputError(
            f"the channel {channel['name']!r} has a sample {sample!r} already", remedy="give another name in sample"
        )


def _name(values: _Values, columns: Columns) -> str:
    """Return the name of a point: its own, or one of labels and values, in the letters that pyhf's schema allows."""
    if columns.has_names:
        return str(values[0])
    parts = [f"{label}_{value}" for label, value in zip(columns.labels, values[1:], strict=True)]
    return re.sub(r"[^A-Za-z0-9_]", "_", "_".join(parts).replace("-", "m").replace(".", "p"))
