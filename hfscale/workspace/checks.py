"""What makes a workspace of the right schema a model: finite numbers, matching lengths, unique names.

Following the HistFactory specification of pyhf (https://scikit-hep.org/pyhf/likelihood.html): every sample of a
channel, its bin-wise modifiers and the observation have one number per bin.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from math import isfinite
from typing import Any

from hfscale.errors import ModelError
from hfscale.workspace.places import readable_place

Steps = tuple[str | int, ...]


def part_ids(workspace: Mapping[str, Any]) -> frozenset[int]:
    """Return the identities of the parts that a patch replaces as a whole.

    Those are measurements, observations, channels and samples. The workspace must be kept alive while they are used.
    """
    parts = [*workspace["measurements"], *workspace["observations"], *workspace["channels"]]
    samples = [sample for channel in workspace["channels"] for sample in channel["samples"]]
    return frozenset(map(id, parts + samples))


def model_problems(
    workspace: Mapping[str, Any], subject: str, checked: frozenset[int] = frozenset()
) -> Iterator[ModelError]:
    """Yield everything that keeps a workspace of valid schema from being a model.

    Args:
        workspace: A document that is valid by the schema.
        subject: What it is, for messages: the file, or the file and the signal point.
        checked: Identities of parts (see ``part_ids``) that are known to be right and are not looked into again.
    """
    for key in ("measurements", "observations", "channels"):
        yield from _duplicates(workspace[key], (key,), workspace, subject)
    for index, measurement in enumerate(workspace["measurements"]):
        if id(measurement) not in checked:
            steps: Steps = ("measurements", index, "config", "parameters")
            yield from _duplicates(measurement["config"]["parameters"], steps, workspace, subject)
            yield from _infinite(measurement, steps[:2], workspace, subject)
    observations = {element["name"]: (index, element) for index, element in enumerate(workspace["observations"])}
    for index, observation in observations.values():
        if id(observation) not in checked:
            yield from _infinite(observation, ("observations", index), workspace, subject)
    for index, channel in enumerate(workspace["channels"]):
        place, observation = observations.get(channel["name"], (-1, None))
        if id(channel) in checked and id(observation) in checked:
            continue
        yield from _channel_problems(workspace, index, (place, observation), subject, checked)


def _channel_problems(
    workspace: Mapping[str, Any],
    index: int,
    observed: tuple[int, Mapping[str, Any] | None],
    subject: str,
    checked: frozenset[int],
) -> Iterator[ModelError]:
    channel = workspace["channels"][index]
    where, observation = observed
    steps: Steps = ("channels", index, "samples")
    yield from _duplicates(channel["samples"], steps, workspace, subject)
    bins = _bins(channel, observation)
    if observation is None:
        yield ModelError(
            f"{subject}: channel {channel['name']!r} has no observation",
            place=readable_place(workspace, ("channels", index)),
            remedy="add its observed data to the observations, or remove the channel",
        )
    elif len(observation["data"]) != bins:
        what = f"the observation of channel {channel['name']!r}"
        yield _wrong_length(what, observation["data"], bins, ("observations", where, "data"), workspace, subject)
    for position, sample in enumerate(channel["samples"]):
        here = (*steps, position)
        if len(sample["data"]) != bins:
            what = f"sample {sample['name']!r} of channel {channel['name']!r}"
            yield _wrong_length(what, sample["data"], bins, (*here, "data"), workspace, subject)
        if id(sample) not in checked:
            yield from _infinite(sample, here, workspace, subject)
            yield from _modifier_problems(sample, bins, here, workspace, subject)


def _modifier_problems(
    sample: Mapping[str, Any], bins: int, steps: Steps, workspace: Mapping[str, Any], subject: str
) -> Iterator[ModelError]:
    """Yield modifiers that occur twice and bin-wise ones of another length than the channel."""
    seen = set()
    for index, modifier in enumerate(sample["modifiers"]):
        here = (*steps, "modifiers", index)
        name, kind, data = modifier["name"], modifier["type"], modifier["data"]
        if (name, kind) in seen:
            yield ModelError(
                f"{subject}: sample {sample['name']!r} has the {kind} modifier {name!r} twice",
                place=readable_place(workspace, here),
                remedy="remove or rename one of them",
            )
        seen.add((name, kind))
        lists = data.items() if kind == "histosys" else [(None, data)] if isinstance(data, list) else []
        for key, numbers in lists:
            if len(numbers) != bins:
                what = f"the {kind} modifier {name!r} of sample {sample['name']!r}"
                place = (*here, "data") if key is None else (*here, "data", key)
                yield _wrong_length(what, numbers, bins, place, workspace, subject)


def _bins(channel: Mapping[str, Any], observation: Mapping[str, Any] | None) -> int:
    """Return the number of bins that most of the channel's samples and its observation have."""
    lengths = Counter(len(sample["data"]) for sample in channel["samples"])
    if observation is not None:
        lengths[len(observation["data"])] += 1
    return lengths.most_common(1)[0][0]


def _wrong_length(
    what: str, data: Sequence[Any], bins: int, steps: Steps, workspace: Mapping[str, Any], subject: str
) -> ModelError:
    return ModelError(
        f"{subject}: {what} has {len(data)} {'number' if len(data) == 1 else 'numbers'}, the channel has {bins} bins",
        place=readable_place(workspace, steps),
        remedy="give one number per bin",
    )


def _duplicates(
    elements: Sequence[Mapping[str, Any]], steps: Steps, workspace: Mapping[str, Any], subject: str
) -> Iterator[ModelError]:
    names = [element["name"] for element in elements]
    if len(set(names)) == len(names):
        return
    for index, name in enumerate(names):
        if name in names[:index]:
            yield ModelError(
                f"{subject}: the name {name!r} occurs twice among the {steps[-1]}",
                place=f"{readable_place(workspace, steps)}[{index}]",
                remedy="remove or rename one of them",
            )


def _infinite(part: Any, steps: Steps, workspace: Mapping[str, Any], subject: str) -> Iterator[ModelError]:
    """Yield the numbers that are NaN, infinite or too large for a double."""
    for path in non_finite(part):
        yield ModelError(
            f"{subject}: a number is not finite",
            place=readable_place(workspace, (*steps, *path)),
            remedy="give a finite number",
        )


def non_finite(part: Any) -> Iterator[Steps]:
    """Yield the path of every number in a JSON value that is NaN, infinite or too large for a double."""
    if isinstance(part, int | float):
        if not _is_finite(part):
            yield ()
        return
    children: Iterable[tuple[str | int, Any]]
    children = part.items() if isinstance(part, dict) else enumerate(part) if isinstance(part, list) else ()
    for key, child in children:
        for path in non_finite(child):
            yield (key, *path)


def _is_finite(number: int | float) -> bool:
    try:
        return isfinite(number)
    except OverflowError:
        return False
