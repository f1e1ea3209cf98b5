"""Whole pages: one file, no network, and no script but our own.

A content security policy in the page names the digests of its scripts and its style. A browser then runs nothing else,
whatever a workspace holds, and asks no other machine for anything.
"""

import base64
import hashlib
import json
import uuid
from collections.abc import Iterable, Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

from hfscale.errors import InputError
from hfscale.plot.web.markup import Html, element, join

PAGE_SUFFIXES = (".html", ".htm")
"""Names of pages end in one of these."""

_HERE = "hfscale.plot.web"
_IN_SCRIPTS = str.maketrans({"<": "\\u003c", ">": "\\u003e", "&": "\\u0026"})


def json_script(identity: str, document: Mapping[str, Any]) -> Html:
    """Return a script element that holds data and is never run; our scripts find it by its identity.

    Args:
        identity: Its id.
        document: JSON without NaN. No text in it can end the element or begin another one.
    """
    text = json.dumps(document, allow_nan=False, separators=(",", ":")).translate(_IN_SCRIPTS)
    return element("script", Html(text), type="application/json", id=identity)


def make_page(title: str, body: Iterable[object], scripts: Sequence[str], language: str = "en") -> str:
    """Return a page.

    Args:
        title: Title of the window.
        body: Pieces of HTML.
        scripts: Names of our scripts that it needs, such as ``contour.js``.
        language: Language of its texts.
    """
    style, codes = _read("page.css"), [_read(name) for name in scripts]
    allowed = " ".join(_source(code) for code in codes) or "'none'"
    policy = f"default-src 'none'; script-src {allowed}; style-src {_source(style)}; img-src data:; base-uri 'none'"
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=policy),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="generator", content="hfscale"),
        element("title", title),
        # Browsers ask the place of a page for its icon if it names none.
        Html('<link rel="icon" href="data:,">'),
        element("style", Html(style)),
    )
    content = element("body", element("main", *body), *(element("script", Html(code)) for code in codes))
    return f"<!DOCTYPE html>\n{element('html', head, content, lang=language)}\n"


def heading(title: str, *lines: object) -> Html:
    """Return the beginning of a page."""
    return element("header", element("h1", title), *(element("p", line) for line in lines))


def section(title: str, *children: object) -> Html:
    """Return a part of a page under a title of its own."""
    return element("section", element("h2", title), join(children))


def check_page_file(path: Path) -> None:
    """Check, before anything is computed, that a page can be written to the path.

    Raises:
        InputError: The suffix is not that of HTML, the folder does not exist, or a folder is there.
    """
    if not is_page(path):
        raise InputError(f"cannot write a page as {path.name!r}", remedy="end the name in .html")
    if not path.absolute().parent.is_dir():
        raise InputError(f"cannot write {path}: its folder does not exist", remedy="make the folder first")
    if path.is_dir():
        raise InputError(f"cannot write {path}: it is a folder", remedy="give another name for the page")


def is_page(path: Path) -> bool:
    """Tell whether the suffix of a path asks for a page."""
    return path.suffix.lower() in PAGE_SUFFIXES


def save_page(page: str, path: Path) -> None:
    """Write a page so that it is whole or not there.

    Raises:
        InputError: It cannot be written.
    """
    check_page_file(path)
    draft = path.with_name(f".{path.name}.{uuid.uuid4().hex}.partial")
    try:
        draft.write_text(page, encoding="utf-8")
        draft.replace(path)
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror}") from error
    finally:
        draft.unlink(missing_ok=True)


def _read(name: str) -> str:
    return files(_HERE).joinpath(name).read_text(encoding="utf-8")


def _source(text: str) -> str:
    """The source expression of the Content Security Policy (level 3, section 2.3.1) that allows exactly this text."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
