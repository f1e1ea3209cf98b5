"""Style files of matplotlib (``.mplstyle``): one setting per line, ``name: value  # comment``."""

import re
from pathlib import Path
from typing import Any

from hfscale.errors import InputError

# Settings of the program that draws rather than of the drawing; matplotlib leaves them out of styles, too.
_NO_STYLE = ("backend", "interactive", "toolbar", "timezone", "webagg", "tk.", "savefig.directory", "date.epoch")
_BEFORE_COMMENT = re.compile(r'(?:[^"#]|"[^"]*")*')


def read_style_file(path: str | Path) -> dict[str, Any]:
    """Return the settings in a style file.

    Raises:
        InputError: The file cannot be read, or has an unknown setting or a value that is not allowed.
    """
    import matplotlib

    try:
        lines = Path(path).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"the style file {path} cannot be read: {error}", remedy="name a .mplstyle file") from error
    settings: Any = matplotlib.RcParams()
    for number, line in enumerate(lines, start=1):
        match = _BEFORE_COMMENT.match(line)
        text = match[0].strip() if match else ""
        if not text:
            continue
        name, colon, value = text.partition(":")
        try:
            if not colon:
                raise ValueError("there is no colon in the line")
            settings[name.strip()] = value.strip().strip('"')
        except (KeyError, ValueError) as error:
            raise InputError(
                f"the style file {path} has a wrong setting, {text!r}: {error.args[0]}",
                place=f"line {number}",
                remedy="write settings of matplotlib, such as 'axes.labelsize: 16'",
            ) from error
    return {name: value for name, value in settings.items() if not name.startswith(_NO_STYLE)}
