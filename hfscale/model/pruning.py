"""Leaving out modifiers whose effect is too small to matter, with a report of what went and what stayed.

The effect of a normsys or histosys is the largest change that it makes to the expected yield of its sample in any bin
at +1 or -1, relative to the nominal yield of the sample or of all samples of the channel. Where one systematic
uncertainty has a normsys and a histosys (its part in the norm and its part in the shape), each is judged by itself.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np
from jaxtyping import Float

from hfscale.errors import InputError
from hfscale.model.formulas import read_formulas
from hfscale.workspace.extension import KEY, extension_of, poi_names
from hfscale.workspace.single import WorkspaceSource, read_workspace

if TYPE_CHECKING:
    import pandas as pd

Per = Literal["sample", "channel"]


@dataclass(frozen=True)
class PruningRule:
    """What is left out.

    Attributes:
        threshold: A normsys or histosys goes where its effect stays below this in every bin.
        per: Whether effects are relative to the sample or to the total of the channel.
        staterror_threshold: Bins of staterrors with a smaller relative uncertainty are not varied; None to vary all.
    """

    threshold: float = 0.005
    per: Per = "sample"
    staterror_threshold: float | None = None

    def __post_init__(self) -> None:
        for threshold in (self.threshold, self.staterror_threshold or 0.0):
            if not 0.0 <= threshold < np.inf:
                raise InputError(
                    f"the threshold {threshold} is no relative effect", remedy="give a finite number from 0 upwards"
                )
        if self.per not in ("sample", "channel"):
            raise InputError(f"effects cannot be taken per {self.per!r}", remedy="choose 'sample' or 'channel'")


class PrunedModifier(NamedTuple):
    """What became of one modifier.

    Attributes:
        channel, sample: What it acts on; the sample is empty for a staterror, which the samples share.
        modifier, type: Its name and type.
        effect: Its largest relative effect in any bin; infinite where the yield is zero.
        dropped: Whether it is left out.
        reason: Why it is dropped or kept.
    """

    channel: str
    sample: str
    modifier: str
    type: str
    effect: float
    dropped: bool
    reason: str


@dataclass(frozen=True, repr=False)
class PruningReport:
    """What became of every modifier that pruning looks at.

    Attributes:
        rule: What was asked for.
        rows: The modifiers, in the order of the workspace.
        vanished: Parameters that no modifier has any more.
    """

    rule: PruningRule
    rows: tuple[PrunedModifier, ...]
    vanished: tuple[str, ...]

    def __repr__(self) -> str:
        return f"<hfscale.PruningReport: {self.n_dropped} of {len(self.rows)} modifiers left out>"

    @property
    def n_dropped(self) -> int:
        """Number of modifiers that were left out."""
        return sum(row.dropped for row in self.rows)

    def to_dataframe(self) -> "pd.DataFrame":
        """The rows as a table."""
        import pandas as pd

        return pd.DataFrame(list(self.rows), columns=list(PrunedModifier._fields))

    def to_list(self) -> list[dict[str, Any]]:
        """The rows as a JSON document; an infinite effect is None."""
        rows = [row._asdict() for row in self.rows]
        return [{**row, "effect": row["effect"] if np.isfinite(row["effect"]) else None} for row in rows]


class Pruned(NamedTuple):
    """A workspace without modifiers of small effect, and what became of each."""

    workspace: dict[str, Any]
    report: PruningReport

    def __repr__(self) -> str:
        return f"<hfscale.Pruned: {self.report!r}>"


def prune(
    workspace: WorkspaceSource,
    threshold: float = 0.005,
    *,
    per: Per = "sample",
    staterror_threshold: float | None = None,
) -> Pruned:
    """Leave out the normsys and histosys modifiers of a workspace whose effect stays below a threshold in every bin.

    Modifiers of a parameter of interest, or of a parameter that an expression uses, are kept. A parameter that no
    modifier has any more leaves the configurations of the measurements too.

    Args:
        workspace: A JSON file, ``ARCHIVE::MEMBER``, a folder or archive with a ``BkgOnly.json``, or the document.
        threshold: Relative effect below which a modifier goes.
        per: Relative to the yield of the ``sample``, or to the total of the ``channel``, in each bin.
        staterror_threshold: Relative uncertainty of the participating samples below which a bin of a staterror is not
            varied: its uncertainties become 0, and a staterror without any leaves the channel. None to vary all.

    Raises:
        InputError: The workspace cannot be read or is no model, or a threshold makes no sense.
    """
    rule = PruningRule(threshold, per, staterror_threshold)
    return Pruner().prune(read_workspace(workspace).content, rule)


class Pruner:
    """Prunes patched workspaces of one background; samples that come out equal are one object, as they go in.

    Args:
        poi: A parameter of interest that is kept beside those of the workspace.
    """

    def __init__(self, poi: str = "") -> None:
        self._poi = poi
        # The objects that identities stand for are kept, so that the identities stay theirs.
        self._largest: dict[int, tuple[Any, Float[np.ndarray, "modifier bin"]]] = {}
        self._samples: dict[tuple[Any, ...], tuple[Any, Mapping[str, Any]]] = {}

    def prune(self, workspace: Mapping[str, Any], rule: PruningRule) -> Pruned:
        """Prune a workspace of valid schema."""
        protected = {**dict(_protected(workspace["measurements"])), self._poi: "parameter of interest"}
        rows: list[PrunedModifier] = []
        channels = [self._channel(channel, rule, protected, rows) for channel in workspace["channels"]]
        left = _names(channels)
        vanished = tuple(sorted(_names(workspace["channels"]) - left))
        measurements = [_without(m, set(vanished)) for m in workspace["measurements"]]
        document = {**workspace, "channels": channels, "measurements": measurements}
        return Pruned(document, PruningReport(rule, tuple(rows), vanished))

    def _channel(
        self,
        channel: Mapping[str, Any],
        rule: PruningRule,
        protected: Mapping[str, str],
        rows: list[PrunedModifier],
    ) -> dict[str, Any]:
        total = np.sum([_array(sample["data"]) for sample in channel["samples"]], axis=0)
        held = {} if rule.staterror_threshold is None else _held_bins(channel, rule.staterror_threshold, rows)
        samples = []
        for sample in channel["samples"]:
            scale = total if rule.per == "channel" else _array(sample["data"])
            effects = _relative(self._largest_shifts(sample), scale)
            dropped = []
            for index, (modifier, effect) in enumerate(zip(sample["modifiers"], effects, strict=True)):
                if modifier["type"] not in ("normsys", "histosys"):
                    continue
                row = _judged(channel["name"], sample["name"], modifier, effect, rule, protected)
                rows.append(row)
                dropped += [index] * row.dropped
            samples.append(self._sample(sample, tuple(dropped), held))
        return {**channel, "samples": samples}

    def _largest_shifts(self, sample: Mapping[str, Any]) -> Float[np.ndarray, "modifier bin"]:
        if id(sample) not in self._largest:
            nominal = _array(sample["data"])
            shifts = [np.zeros((0, len(nominal))), *(_largest_shift(m, nominal)[None] for m in sample["modifiers"])]
            self._largest[id(sample)] = (sample, np.concatenate(shifts))
        return self._largest[id(sample)][1]

    def _sample(
        self, sample: Mapping[str, Any], dropped: tuple[int, ...], held: Mapping[str, tuple[bool, ...]]
    ) -> Mapping[str, Any]:
        own = tuple((m["name"], held[m["name"]]) for m in sample["modifiers"] if _is_held(m, held))
        if not dropped and not own:
            return sample
        key = (id(sample), dropped, own)
        if key not in self._samples:
            left = [_with_held(m, held) for k, m in enumerate(sample["modifiers"]) if k not in dropped]
            pruned = {**sample, "modifiers": [modifier for modifier in left if modifier is not None]}
            self._samples[key] = (sample, pruned)
        return self._samples[key][1]


def _array(values: Any) -> Float[np.ndarray, " bin"]:
    return np.asarray(values, dtype=np.float64)


def _largest_shift(modifier: Mapping[str, Any], nominal: Float[np.ndarray, " bin"]) -> Float[np.ndarray, " bin"]:
    """Largest change of the yield in every bin; 0 for modifiers that are not judged."""
    data = modifier["data"]
    if modifier["type"] == "normsys":
        shifts = [nominal * (data[side] - 1.0) for side in ("hi", "lo")]
    elif modifier["type"] == "histosys":
        shifts = [_array(data[side]) - nominal for side in ("hi_data", "lo_data")]
    else:
        shifts = [np.zeros_like(nominal)]
    largest: Float[np.ndarray, " bin"] = np.max(np.abs(shifts), axis=0)
    return largest


def _relative(largest: Float[np.ndarray, "modifier bin"], scale: Float[np.ndarray, " bin"]) -> list[float]:
    """Largest relative effect of each modifier in any bin; infinite where something is added to nothing."""
    empty = scale == 0.0
    relative = np.where(empty, np.where(largest > 0, np.inf, 0.0), largest / np.where(empty, 1.0, np.abs(scale)))
    return [float(effect) for effect in relative.max(axis=1)]


def _judged(
    channel: str,
    sample: str,
    modifier: Mapping[str, Any],
    effect: float,
    rule: PruningRule,
    protected: Mapping[str, str],
) -> PrunedModifier:
    small = effect < rule.threshold
    why = f"effect {'below' if small else 'not below'} {rule.threshold:g} of the {rule.per}"
    reason = protected.get(modifier["name"], why) if small else why
    dropped = small and modifier["name"] not in protected
    return PrunedModifier(channel, sample, modifier["name"], modifier["type"], effect, dropped, reason)


def _protected(measurements: Iterable[Mapping[str, Any]]) -> Iterator[tuple[str, str]]:
    """Yield names that are never pruned, and why."""
    for measurement in measurements:
        place = f"measurements[{measurement['name']}]/config/{KEY}/expressions"
        for formula in read_formulas(extension_of(measurement).expressions, place).values():
            yield from ((name, "an expression uses it") for name in formula.uses)
    for measurement in measurements:
        yield from ((name, "parameter of interest") for name in poi_names(measurement))


def _held_bins(channel: Mapping[str, Any], threshold: float, rows: list[PrunedModifier]) -> dict[str, tuple[bool, ...]]:
    """Bins of each staterror of a channel that are not varied: relative uncertainty in quadrature, as pyhf's."""
    shares: dict[str, list[tuple[np.ndarray, np.ndarray]]] = {}
    for sample in channel["samples"]:
        for modifier in sample["modifiers"]:
            if modifier["type"] == "staterror":
                shares.setdefault(modifier["name"], []).append((_array(sample["data"]), _array(modifier["data"])))
    held = {}
    for name, parts in shares.items():
        total = np.sum([nominal for nominal, _ in parts], axis=0)
        absolute = np.sqrt(np.sum([uncertainty**2 for _, uncertainty in parts], axis=0))
        relative = np.where(total > 0, absolute / np.where(total > 0, total, 1.0), 0.0)
        below = relative < threshold
        small = below & (relative > 0)
        reason = f"{small.sum()} of {len(small)} bins below {threshold:g} are held"
        effect, dropped = float(relative.max()), bool(below.all() and small.any())
        rows.append(PrunedModifier(channel["name"], "", name, "staterror", effect, dropped, reason))
        if small.any():
            held[name] = tuple(below.tolist())
    return held


def _is_held(modifier: Mapping[str, Any], held: Mapping[str, tuple[bool, ...]]) -> bool:
    return modifier["type"] == "staterror" and modifier["name"] in held


def _with_held(modifier: dict[str, Any], held: Mapping[str, tuple[bool, ...]]) -> dict[str, Any] | None:
    """A modifier with the uncertainties of held bins at 0; None where that leaves nothing."""
    if not _is_held(modifier, held):
        return modifier
    bins = held[modifier["name"]]
    if all(bins):
        return None
    return {**modifier, "data": [0.0 if below else value for value, below in zip(modifier["data"], bins, strict=True)]}


def _names(channels: Iterable[Mapping[str, Any]]) -> set[str]:
    return {m["name"] for channel in channels for sample in channel["samples"] for m in sample["modifiers"]}


def _without(measurement: dict[str, Any], vanished: set[str]) -> dict[str, Any]:
    """A measurement whose configuration has no parameters that have vanished."""
    config = measurement["config"]
    changes: dict[str, Any] = {"parameters": [p for p in config["parameters"] if p["name"] not in vanished]}
    extended = config.get(KEY, {})
    if "parameters" in extended:
        left = [p for p in extended["parameters"] if p["name"] not in vanished]
        changes[KEY] = {**extended, "parameters": left}
    return {**measurement, "config": {**config, **changes}}
