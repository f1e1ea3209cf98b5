"""What a report says of where results come from: inputs, settings, versions, and how to make them again."""

from collections.abc import Iterator, Mapping
from typing import Any

from hfscale.plot.web.markup import Html, element, facts, table
from hfscale.plot.web.page import section
from hfscale.reporting.reproduce import Reproduction
from hfscale.reporting.work import Costs
from hfscale.store.store import ResultStore


def inputs_section(store: ResultStore) -> Html:
    """The inputs and their digests."""
    provenance, digests = store.attributes["provenance"], store.settings["inputs"]
    metadata = provenance.get("metadata") or {}
    pairs: list[tuple[str, object]] = [
        (name, [provenance.get(name), f"sha256 {value}"]) for name, value in digests.items() if value is not None
    ]
    pairs += [("reference", f"{name}: {value}") for name, value in metadata.get("references", {}).items()]
    pairs.append(("labels of signal points", ", ".join(store.settings["labels"]) or "none"))
    if "merged" in provenance:
        pairs.append(("merged from", [str(path) for path in provenance["merged"]]))
    return section("Inputs", facts(pairs))


def settings_section(store: ResultStore) -> Html:
    """The settings that the results depend on."""
    settings = {key: value for key, value in store.settings.items() if key not in ("inputs", "labels", "points")}
    calculation = settings.pop("calculation")
    return section("Settings", facts((name, value) for name, value in _flat({**settings, **calculation})))


def _flat(document: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    for name, value in document.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def reproduction_section(how: Reproduction) -> Html:
    """The commands that make the store again."""
    parts: list[object] = [element("p", remark) for remark in how.remarks]
    if how.commands:
        said = "In a shell, in the folder in which the store was made (an unfinished or existing store is continued):"
        parts += [element("p", said), element("pre", "\n".join(how.commands), id="commands")]
        for name, text in how.files.items():
            parts.append(element("details", element("summary", f"The file {name}"), element("pre", text)))
    parts += [element("p", "In Python:"), element("pre", how.python, id="python")]
    return section("How to make it again", *parts)


def versions_section(store: ResultStore, costs: Costs) -> Html:
    """Versions of the driver that made the store, and of those that computed."""
    provenance = store.attributes["provenance"]
    planned = {"python": provenance.get("python"), **provenance.get("versions", {})}
    columns = ("package", "plan", *(f"tasks {k + 1}" if k else "tasks" for k in range(len(costs.versions))))
    names = list(dict.fromkeys([*planned, *(name for found in costs.versions for name in found)]))
    rows = [[name, planned.get(name), *(found.get(name) for found in costs.versions)] for name in names]
    return section("Versions", table(columns, rows))
