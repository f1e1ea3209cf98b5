import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hfscale.errors import SelectionError
from hfscale.plot.expressions import evaluate_numbers, evaluate_truth, parse_expression

LABELS = {
    "a": np.array([1.0, 2.0, 3.0, 60.0]),
    "b": np.array([4, 3, 2, 1]),
    "grid": np.array(["Wh", "Wh", "WZ", "ZZ"]),
    "mass gluino": np.array([10.0, 20.0, 30.0, 40.0]),
}


def numbers(text: str) -> list[float]:
    return list(evaluate_numbers(parse_expression(text), LABELS))


def truth(text: str) -> list[bool]:
    return list(evaluate_truth(parse_expression(text), LABELS))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a", [1, 2, 3, 60]),
        ("a - b", [-3, -1, 1, 59]),
        ("abs(a - b) / 2", [1.5, 0.5, 0.5, 29.5]),
        ("-b ** 2", [-16, -9, -4, -1]),
        ("sqrt(b) * sqrt(b)", [4, 3, 2, 1]),
        ("log10(`mass gluino`)", list(np.log10([10, 20, 30, 40]))),
        ("7", [7, 7, 7, 7]),
    ],
)
def test_numbers(text: str, expected: list[float]) -> None:
    np.testing.assert_allclose(numbers(text), expected, rtol=1e-15)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a == 60", "0001"),
        ("2 <= a < 60", "0110"),
        ("(a > 1) & (b > 1)", "0110"),
        ("a > 50 or b == 4", "1001"),
        ("(a > 50) | ~(b != 4)", "1001"),
        ("not grid == 'Wh'", "0011"),
        ("grid == 'Wh' and a == 2", "0100"),
        ("`mass gluino` > 25", "0011"),
        ("True", "1111"),
    ],
)
def test_truth(text: str, expected: str) -> None:
    assert truth(text) == [digit == "1" for digit in expected]


@pytest.mark.parametrize(
    "text",
    [
        "a.real",
        "a[0]",
        "().__class__",
        "__import__('os')",
        "open('x')",
        "abs(a, b)",
        "abs(a=1)",
        "(lambda: a)()",
        "[x for x in a]",
        "[a]",
        "{'a': 1}",
        "f'{a}'",
        "a if b else a",
        "(a := 1)",
        "a @ b",
        "a // b",
        "a in b",
        "a is b",
        "1j",
        "b'x'",
        "None",
    ],
)
def test_all_else_is_refused(text: str) -> None:
    with pytest.raises(SelectionError, match="is not allowed"):
        numbers(text)


def test_a_statement_is_no_expression() -> None:
    with pytest.raises(SelectionError, match="is not an expression"):
        parse_expression("a = 1; b")


def test_syntax_error_tells_the_column() -> None:
    with pytest.raises(SelectionError) as caught:
        parse_expression("a + * b")
    assert caught.value.place == "column 5"


def test_unknown_label_lists_the_known_ones() -> None:
    with pytest.raises(SelectionError, match=r"no label 'm_n9' in 'm_n9 - a'") as caught:
        numbers("m_n9 - a")
    assert caught.value.remedy == "the labels are: a, b, grid, mass gluino"


@pytest.mark.parametrize("text", ["a + grid", "a > 1 & b > 1", "a and b", "grid == 1", "-grid", "grid < 1", "not a"])
def test_kinds_do_not_mix(text: str) -> None:
    with pytest.raises(SelectionError, match="number"):
        truth(text)


def test_result_must_be_of_the_kind_asked_for() -> None:
    with pytest.raises(SelectionError, match="where a condition is needed"):
        truth("a - b")
    with pytest.raises(SelectionError, match="where a number is needed"):
        numbers("a == b")


@pytest.mark.parametrize("text", ["9**9**9**9", "a" * 2000, "(" * 300, "-" * 900 + "a"])
def test_hostile_texts_end_quickly(text: str) -> None:
    try:
        result = numbers(text)
    except SelectionError:
        return
    assert len(result) == 4


def test_names_are_labels_in_order_of_appearance() -> None:
    assert parse_expression("log10(b) + `mass gluino` - b * a").names == ("b", "mass gluino", "a")


@st.composite
def arithmetic(draw: st.DrawFn, depth: int = 3) -> str:
    if depth == 0 or draw(st.booleans()):
        return draw(st.sampled_from(["a", "b", "2", "0.5", "abs(a)"]))
    sign = draw(st.sampled_from(["+", "-", "*", "/"]))
    return f"({draw(arithmetic(depth - 1))} {sign} {draw(arithmetic(depth - 1))})"


@given(arithmetic(), st.sampled_from(["<", "<=", "==", "!=", ">", ">="]), arithmetic())
def test_agrees_with_numpy(left: str, sign: str, right: str) -> None:
    known = {"a": LABELS["a"], "b": LABELS["b"].astype(float), "abs": np.abs, "__builtins__": {}}
    with np.errstate(all="ignore"):
        one = {"two": np.float64(2.0), "half": np.float64(0.5)} | known
        code = [text.replace("0.5", "half").replace("2", "two") for text in (left, f"({left}) {sign} ({right})")]
        expected_number, expected_truth = (np.broadcast_to(eval(text, one), (4,)) for text in code)
    np.testing.assert_array_equal(numbers(left), expected_number)
    np.testing.assert_array_equal(truth(f"{left} {sign} {right}"), expected_truth)
