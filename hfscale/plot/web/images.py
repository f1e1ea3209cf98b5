"""Figures of matplotlib inside pages: as data, so that the page needs no other file."""

import base64
from typing import TYPE_CHECKING

from hfscale.plot.web.markup import Html, element

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def figure_image(figure: "Figure", description: str) -> Html:
    """Return a figure as an image of a page, with a description below, which those who do not see it hear.

    Args:
        figure: The figure.
        description: What it shows.
    """
    from hfscale.plot.files import figure_bytes

    data = base64.b64encode(figure_bytes(figure, ".svg")).decode()
    image = element("img", src=f"data:image/svg+xml;base64,{data}", alt=description)
    return element("figure", image, element("figcaption", description), class_="picture")
