"""What users choose of an export."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Literal

from hfscale.errors import InputError
from hfscale.plot.keywords import SurfaceKeywords

Format = Literal["harvest", "hepdata", "csv", "parquet", "json", "numpy"]
FORMATS: tuple[Format, ...] = ("harvest", "hepdata", "csv", "parquet", "json", "numpy")
TEXTS: tuple[Format, ...] = ("harvest", "csv", "json")
"""Formats that can go to standard output."""
OF_SEVERAL: tuple[Format, ...] = ("harvest", "hepdata")
"""Formats that several stores can go into."""
KEYWORDS = ("cmenergies", "observables", "reactions", "phrases")
"""What HEPData takes keywords for."""


class ExportKeywords(SurfaceKeywords, total=False):
    """The keyword arguments of `hfscale.export`, which see."""

    x: str | None
    y: str | None
    select: str | None
    poi: float | None
    units: Mapping[str, str]
    keywords: Mapping[str, Sequence[str | int | float]]
    resources: Mapping[str | Path, str]


@dataclass(frozen=True)
class ExportOptions:
    """What is exported, and how.

    Attributes:
        x, y: Axes, expressions of the labels or ``NAME=EXPRESSION``, for the formats harvest and hepdata.
        select: Condition on the labels that points must meet, such as ``m_n1 == 60``.
        poi: The one POI value to take, of a scan.
        surface: How contours are made; like all below for hepdata alone.
        units: Units of labels and axes by name; those of the empty name hold for all others.
        keywords: Keywords of all tables, by one of `KEYWORDS`.
        resources: Files to enclose, with what they are.
    """

    x: str | None = None
    y: str | None = None
    select: str | None = None
    poi: float | None = None
    surface: SurfaceKeywords = field(default_factory=SurfaceKeywords)
    units: Mapping[str, str] = field(default_factory=dict)
    keywords: Mapping[str, Sequence[str | int | float]] = field(default_factory=dict)
    resources: Mapping[Path, str] = field(default_factory=dict)

    def check(self, kind: str) -> None:
        """Check that a format has a use for all that was chosen.

        Raises:
            InputError: There is no such format, it has no use for an option, or HEPData has no such keywords.
        """
        if kind not in FORMATS:
            raise InputError(f"there is no format {kind!r}", remedy=f"choose one of {', '.join(FORMATS)}")
        default = ExportOptions()
        for name, formats in _USED.items():
            if kind not in formats and getattr(self, name) != getattr(default, name):
                names = ", ".join(self.surface) if name == "surface" else name
                raise InputError(
                    f"the format {kind} has no use for {names}", remedy=f"leave it out, or export to {formats[-1]}"
                )
        for name in self.keywords:
            if name not in KEYWORDS:
                raise InputError(f"HEPData has no keywords {name!r}", remedy=f"choose one of {', '.join(KEYWORDS)}")


_USED: Mapping[str, tuple[Format, ...]] = MappingProxyType(
    {
        "x": OF_SEVERAL,
        "y": OF_SEVERAL,
        **dict.fromkeys(("surface", "units", "keywords", "resources"), ("hepdata",)),
    }
)
"""The formats that options are for, where not for all."""
