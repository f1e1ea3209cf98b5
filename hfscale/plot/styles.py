"""How contours look: colours, and the matplotlib settings of each style."""

from dataclasses import dataclass
from typing import Any, Literal

from hfscale.errors import SelectionError

Style = Literal["plain", "ATLAS", "CMS"]


@dataclass(frozen=True)
class Palette:
    """Colours of one style; all tell apart under colour-vision deficiency, and lines differ in dashes too."""

    observed: str
    expected: str
    one_sigma: str
    two_sigma: str
    points: str = "#5f6b76"
    problem: str = "#7b3294"


# Okabe and Ito's vermilion and blue, https://jfly.uni-koeln.de/color/, the bands in tints of the expected line.
_PLAIN = Palette(observed="#d55e00", expected="#0072b2", one_sigma="#b9d8ec", two_sigma="#e1eff8")
_ATLAS = Palette(observed="#8c1a2b", expected="#333333", one_sigma="#ffe680", two_sigma="#fff7cf")
_CMS = Palette(observed="#000000", expected="#c23b22", one_sigma="#f8cfc4", two_sigma="#fcebe6")
SERIES = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000")
"""Okabe and Ito's colours, for contours of several searches in one figure."""
PALETTES: dict[str, Palette] = {"plain": _PLAIN, "ATLAS": _ATLAS, "CMS": _CMS}

_PLAIN_SETTINGS: dict[str, Any] = {
    "figure.figsize": (7.0, 5.4),
    "font.size": 12.0,
    "axes.labelsize": 14.0,
    "xtick.direction": "in",
    "ytick.direction": "in",
    "xtick.top": True,
    "ytick.right": True,
    "xtick.minor.visible": True,
    "ytick.minor.visible": True,
    "xtick.major.size": 6.0,
    "ytick.major.size": 6.0,
    "xtick.minor.size": 3.0,
    "ytick.minor.size": 3.0,
    "legend.fontsize": 10.5,
}
# The experiments' styles are made for figures with large type; these keep our legend readable beside them.
_SHARED_SETTINGS: dict[str, Any] = {"axes.autolimit_mode": "data", "axes.formatter.limits": (-4, 5)}


def style_settings(style: str) -> dict[str, Any]:
    """Return the matplotlib settings of a style; those of experiments come from mplhep.

    Raises:
        SelectionError: No such style.
    """
    if style not in PALETTES:
        raise SelectionError(f"no style {style!r}", remedy=f"choose one of {', '.join(PALETTES)}")
    if style == "plain":
        return _PLAIN_SETTINGS | _SHARED_SETTINGS
    import mplhep

    settings: dict[str, Any] = dict(getattr(mplhep.style, style))
    return _without_missing_fonts(settings) | _SHARED_SETTINGS


def _without_missing_fonts(settings: dict[str, Any]) -> dict[str, Any]:
    """Drop the settings of fonts where the style's own is not installed, so that matplotlib's default serves."""
    from matplotlib.font_manager import fontManager

    installed = {font.name for font in fontManager.ttflist}
    family = next((name for name in settings["font.sans-serif"] if name in installed), None)
    kept = {key: value for key, value in settings.items() if not key.startswith(("font.", "mathtext."))}
    kept["font.size"] = settings["font.size"]
    if family is not None:
        kept |= {"font.family": "sans-serif", "font.sans-serif": [family, "DejaVu Sans"]}
    return kept
