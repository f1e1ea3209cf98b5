"""HTML from Python values: every text is escaped, unless it is HTML that was made here."""

import html
from collections.abc import Iterable, Sequence


class Html(str):
    """A piece of HTML; what is no instance of this class is text, and is escaped when it is put into an element."""

    __slots__ = ()


_VOID = frozenset({"meta", "br", "img", "input"})


def element(tag: str, *children: object, **attributes: object) -> Html:
    """Return an element.

    Args:
        tag: Its name.
        children: `Html` as it is, everything else as text; None is left out.
        attributes: Its attributes. Underscores stand for hyphens, one at the end is dropped (``class_``); True writes
            the name alone, None and False leave it out.
    """
    written = "".join(_attribute(name.rstrip("_").replace("_", "-"), value) for name, value in attributes.items())
    start = f"<{tag}{written}>"
    return Html(start if tag in _VOID else f"{start}{join(children)}</{tag}>")


def join(children: Iterable[object]) -> Html:
    """Return pieces of HTML, and escaped texts, one after the other."""
    return Html("".join(_written(child) for child in children if child is not None))


def _written(child: object) -> str:
    return child if isinstance(child, Html) else html.escape(str(child))


def _attribute(name: str, value: object) -> str:
    if value is None or value is False:
        return ""
    return f" {name}" if value is True else f' {name}="{html.escape(str(value))}"'


def number_text(value: int | float) -> str:
    """Return a number as tables show it: four significant digits, whole ones as they are."""
    return str(int(value)) if float(value).is_integer() and abs(value) < 1e15 else f"{value:.4g}"


def cell(value: object) -> Html:
    """Return the cell of a table: numbers to the right, with all their digits for sorting; a dash for None."""
    if value is None:
        return element("td", "\N{EN DASH}", class_="none")
    if isinstance(value, int | float) and not isinstance(value, bool):
        return element("td", number_text(value), class_="number", data_value=repr(value))
    return element("td", value)


def table(
    columns: Sequence[str], rows: Iterable[Sequence[object]], *, frame: str = "scroll", **attributes: object
) -> Html:
    """Return a table with a heading; None in a row is shown as a dash.

    Args:
        columns: Names of the columns.
        rows: Their values.
        frame: Class of what it scrolls in: ``scroll``, or ``tall`` for long ones.
        attributes: Attributes of the table.
    """
    head = element("thead", element("tr", *(element("th", name, scope="col") for name in columns)))
    body = join(element("tr", *(cell(value) for value in row)) for row in rows)
    return element("div", element("table", head, element("tbody", body), **attributes), class_=frame)


def facts(pairs: Iterable[tuple[str, object]]) -> Html:
    """Return names and values side by side; a value may be a list of texts, one per line."""
    rows = []
    for name, value in pairs:
        lines = value if isinstance(value, list | tuple) else [value]
        shown = join(element("div", line) for line in lines if line is not None)
        rows.append(element("tr", element("th", name, scope="row"), element("td", shown)))
    return element("div", element("table", element("tbody", *rows), class_="facts"), class_="scroll")
