"""Readable axis labels from expressions."""

import re

_SYMBOL = re.compile(r"([A-Za-z]+)_([A-Za-z0-9]+)")
_TOKEN = re.compile(r"`[^`]+`|\w+|\*\*|[<>=!]=|.", re.DOTALL)
_WRITTEN = {"-": "\N{MINUS SIGN}", "*": "\N{MULTIPLICATION SIGN}", "**": "^", "_": r"\_"}


def axis_label(expression: str, unit: str | None = None) -> str:
    """Return matplotlib text for an expression: ``m_n2 - m_n1`` with subscripts, all else as it is written.

    Only names of the form ``m_x`` are set as mathematics; what a name means is not guessed.

    Args:
        expression: The expression of an axis.
        unit: Unit to add in brackets, such as ``GeV``.
    """
    text = "".join(_typeset(token) for token in _TOKEN.findall(expression.strip()))
    return f"{text} [{unit}]" if unit else text


def _typeset(token: str) -> str:
    if symbol := _SYMBOL.fullmatch(token):
        return rf"${symbol[1]}_{{\mathrm{{{symbol[2]}}}}}$"
    return _WRITTEN.get(token, token.strip("`").replace("$", r"\$"))
