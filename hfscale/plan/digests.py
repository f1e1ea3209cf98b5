"""What identifies the results of a campaign: a settings document, its digest, and how two of them differ."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any


def canonical_json(document: object) -> str:
    """Write JSON in the one form that digests are taken of: sorted keys, no spaces, no NaN."""
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)


def digest(document: object) -> str:
    """Return the SHA-256 of a JSON document, in hexadecimal."""
    return hashlib.sha256(canonical_json(document).encode()).hexdigest()


def settings_document(
    inputs_digests: Mapping[str, str | None],
    measurement: str,
    poi: str,
    calculation: Mapping[str, Any],
    names: Sequence[str],
    labels: Sequence[str],
) -> dict[str, Any]:
    """Gather everything that a result depends on, and nothing that it does not (as the number of workers).

    Args:
        inputs_digests: Digest of each input by its role, for example ``workspace`` and ``patchset``.
        measurement: Name of the measurement.
        poi: Name of the parameter of interest.
        calculation: The fields of `hfscale.plan.settings.Calculation`.
        names: Names of the signal points, in order.
        labels: Labels of the signal points' values, in order.

    Returns:
        A JSON document. Equal documents mean results that may be kept in one store.
    """
    return {
        "inputs": dict(inputs_digests),
        "measurement": measurement,
        "poi": poi,
        "calculation": dict(calculation),
        "labels": list(labels),
        "points": list(names),
    }


def differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """Say how the settings asked for differ from those of a store, one sentence for each difference.

    Args:
        old: The settings document of the store.
        new: The settings document that is asked for.

    Returns:
        Texts like ``test_poi: 1.0 in the store, 2.0 asked``; empty if the documents are equal.
    """
    texts: list[str] = []
    for key in dict.fromkeys([*old, *new]):
        before, after = old.get(key), new.get(key)
        if before == after:
            continue
        if isinstance(before, Mapping) and isinstance(after, Mapping):
            prefix = "" if key == "calculation" else f"{key}."
            texts += [prefix + text for text in differences(before, after)]
        elif isinstance(before, list) and isinstance(after, list):
            texts.append(f"{key}: {_compare_lists(before, after)}")
        else:
            texts.append(f"{key}: {_show(before)} in the store, {_show(after)} asked")
    return texts


def _compare_lists(before: Sequence[object], after: Sequence[object]) -> str:
    known, asked = set(before), set(after)
    text = f"{len(before)} in the store, {len(after)} asked"
    details = [
        _examples("only in the store", [item for item in before if item not in asked]),
        _examples("only asked", [item for item in after if item not in known]),
    ]
    found = [detail for detail in details if detail]
    return f"{text} ({'; '.join(found)})" if found else f"{text} (in another order)"


def _examples(what: str, items: Sequence[object], shown: int = 3) -> str:
    if not items:
        return ""
    more = f" and {len(items) - shown} more" if len(items) > shown else ""
    return f"{what}: {', '.join(str(item) for item in items[:shown])}{more}"


def _show(value: object) -> str:
    # Digests are shortened: their first digits are enough to tell two of them apart.
    text = "none" if value is None else str(value)
    return text if len(text) <= 40 else f"{text[:12]}..."
