import numpy as np

from hfscale.plot.clip import clip_line, cut_line

SQUARE = np.array([[0.0, 0.0], [2.0, 0.0], [2.0, 2.0], [0.0, 2.0]])


def test_inside_is_untouched() -> None:
    line = np.array([[0.5, 0.5], [1.0, 1.5], [1.5, 0.5]])
    (piece,) = clip_line(line, SQUARE)
    np.testing.assert_array_equal(piece, line)


def test_outside_is_gone() -> None:
    assert clip_line(np.array([[3.0, -1.0], [3.0, 3.0], [-1.0, 3.0]]), SQUARE) == []


def test_one_segment_across_is_cut_at_both_edges() -> None:
    (piece,) = clip_line(np.array([[-1.0, 1.0], [3.0, 1.0]]), SQUARE)
    np.testing.assert_allclose(piece, [[0.0, 1.0], [2.0, 1.0]], atol=1e-7)


def test_leaving_and_coming_back_gives_two_pieces() -> None:
    first, second = clip_line(np.array([[1.0, 0.5], [3.0, 0.5], [3.0, 1.5], [1.0, 1.5]]), SQUARE)
    np.testing.assert_allclose(first, [[1.0, 0.5], [2.0, 0.5]], atol=1e-7)
    np.testing.assert_allclose(second, [[2.0, 1.5], [1.0, 1.5]], atol=1e-7)


def test_closed_line_cut_once_stays_one_piece() -> None:
    loop = np.array([[1.0, 0.5], [3.0, 0.5], [3.0, 1.5], [1.0, 1.5], [1.0, 0.5]])
    (piece,) = clip_line(loop, SQUARE)
    np.testing.assert_allclose(piece, [[2.0, 1.5], [1.0, 1.5], [1.0, 0.5], [2.0, 0.5]], atol=1e-7)


def test_a_line_on_the_edge_stays() -> None:
    (piece,) = clip_line(np.array([[0.5, 2.0], [1.0, 2.0 + 1e-15], [1.5, 2.0]]), SQUARE)
    assert len(piece) == 3


def test_a_line_is_cut_where_it_enters_a_region_and_leaves_it() -> None:
    line = np.array([[0.0, 0.0], [1.0, 0.0], [3.0, 0.0], [4.0, 0.0], [6.0, 0.0]])
    first, second = cut_line(line, lambda places: 1.0 - np.abs(places[:, 0] - 3.0) / 1.5)
    np.testing.assert_allclose(first, [[0.0, 0.0], [1.0, 0.0], [1.5, 0.0]], atol=1e-9)
    np.testing.assert_allclose(second, [[4.5, 0.0], [6.0, 0.0]], atol=1e-9)


def test_a_closed_line_is_cut_once_and_joined_at_its_start() -> None:
    angle = np.linspace(0.0, 2.0 * np.pi, 41)
    loop = np.column_stack([np.cos(angle), np.sin(angle)])
    loop[-1] = loop[0]
    (piece,) = cut_line(loop, lambda places: -places[:, 0] - 0.5)
    np.testing.assert_allclose(piece[[0, -1], 0], -0.5, atol=1e-9)
    assert piece[:, 0].max() == 1.0
    assert cut_line(loop, lambda places: np.ones(len(places))) == []
    (whole,) = cut_line(loop, lambda places: -np.ones(len(places)))
    np.testing.assert_array_equal(whole, loop)
