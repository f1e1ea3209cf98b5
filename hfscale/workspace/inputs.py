"""What the user selected, as plain data: the background workspace and the signal points."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from hfscale.errors import SchemaError

FORMAT = 1


@dataclass(frozen=True)
class SignalPoint:
    """One signal hypothesis: what to change in the background workspace.

    Attributes:
        name: Unique among the points of one ``Inputs``.
        values: Value of each label, for instance the masses; empty where the source names none.
        patch: JSON patch operations (RFC 6902) in their order; empty for the workspace as it is.
        source: File or files it came from, for messages.
    """

    name: str
    values: Mapping[str, int | float | str]
    patch: tuple[Mapping[str, Any], ...]
    source: str


@dataclass(frozen=True)
class Inputs:
    """A background workspace with the signal points chosen for a calculation.

    Attributes:
        workspace: The background workspace (pyhf JSON 1.0.0). Never changed.
        measurement: Name of the chosen measurement.
        poi: Name of the parameter of interest.
        labels: Names of the dimensions of the plane of signal points.
        points: The selected points, in the order of their source.
        workspace_source: File of the workspace, for messages.
        patchset_source: File of the patchset (or of the patches), None without one.
        workspace_digest: pyhf's sha256 digest of the workspace.
        patchset_digest: The same of the patchset, whatever points were selected. For bare patches it is the digest
            of the object that maps point names to patches. None without patches.
        metadata: Metadata of the patchset (description, references, ...), empty without one.
        data: From `hfscale.workspace.observed.read_data`, in place of the observed data; None without.
        patterns: Globs of names that chose the points, none for all of the source; None where that is not known.
    """

    workspace: Mapping[str, Any]
    measurement: str
    poi: str
    labels: tuple[str, ...]
    points: tuple[SignalPoint, ...]
    workspace_source: str
    patchset_source: str | None
    workspace_digest: str
    patchset_digest: str | None
    metadata: Mapping[str, Any]
    data: Mapping[str, Mapping[str, list[float]]] | None = None
    patterns: tuple[str, ...] | None = None

    def to_json(self) -> dict[str, Any]:
        """Return a JSON document that ``from_json`` turns into equal inputs."""
        document: dict[str, Any] = {field.name: getattr(self, field.name) for field in fields(self)}
        document["format"] = FORMAT
        document["labels"] = list(self.labels)
        document["patterns"] = None if self.patterns is None else list(self.patterns)
        document["points"] = [
            {
                "name": point.name,
                "values": dict(point.values),
                "patch": list(point.patch),
                "source": point.source,
            }
            for point in self.points
        ]
        return document

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> "Inputs":
        """Rebuild inputs from what ``to_json`` made.

        Raises:
            SchemaError: The document is of another format or lacks a key.
        """
        if document.get("format") != FORMAT:
            raise SchemaError(
                f"the stored inputs have format {document.get('format')!r}, this version reads format {FORMAT}",
                remedy="use the version of hfscale that wrote them",
            )
        try:
            # Stores that were made before there were these keys have none.
            later = ("data", "patterns")
            values = {field.name: document[field.name] for field in fields(cls) if field.name not in later}
            values["data"], patterns = document.get("data"), document.get("patterns")
            values["patterns"] = None if patterns is None else tuple(patterns)
            values["labels"] = tuple(values["labels"])
            values["points"] = tuple(
                SignalPoint(point["name"], point["values"], tuple(point["patch"]), point["source"])
                for point in values["points"]
            )
        except KeyError as error:
            raise SchemaError(f"the stored inputs lack the key {error}") from error
        return cls(**values)
