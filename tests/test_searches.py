"""Several searches in Python."""

from pathlib import Path

import hfscale
from hfscale.reading.tables import Table
from tests.plot.searches import falling, points_at


def test_searches_are_drawn_over_each_other_or_the_best_chosen(example_store: Path) -> None:
    stores = {"one": hfscale.open_results(example_store), "again": hfscale.open_results(example_store)}
    figure = hfscale.overlay(stores, "m_gluino", "m_lsp", x_unit="GeV", interpolation="linear")
    assert [text.get_text() for text in figure.legends[0].get_texts()][:2] == ["one", "again"]
    best = hfscale.best_expected(stores)
    assert set(best.chosen.values()) == {"one"}
    assert len(best.chosen) == 88
    assert best.contour("m_gluino", "m_lsp", title="Best").axes[0].get_title(loc="left") == "Best"


def test_tables_are_searches_too() -> None:
    weak, strong = Table(points_at(falling(500.0))), Table(points_at(falling(600.0)))
    assert set(hfscale.best_expected({"weak": weak, "strong": strong}).chosen.values()) == {"strong"}
