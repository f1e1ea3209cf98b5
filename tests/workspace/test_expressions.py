"""The expression language: what is arithmetic, what is refused and how, and that both kinds of arrays agree."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from hfscale.errors import SelectionError
from hfscale.workspace.expressions import FUNCTIONS, check_arithmetic, evaluate_arithmetic, parse_expression

VALUES = {"kappa": 0.7, "mu": 1.3, "mu-ww": 2.0}


def evaluated(text: str, package: object) -> float:
    expression = parse_expression(text)
    check_arithmetic(expression)
    functions = {name: getattr(package, {"min": "minimum", "max": "maximum"}.get(name, name)) for name in FUNCTIONS}
    return float(evaluate_arithmetic(expression, VALUES, functions))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1 + 0.4*kappa + 0.1*kappa**2", 1 + 0.4 * 0.7 + 0.1 * 0.7**2),
        ("-(kappa - mu) / +mu", 0.6 / 1.3),
        ("2 ** -kappa", 2**-0.7),
        ("sqrt(kappa) + exp(mu) - log(mu) + log10(mu)", 0.7**0.5 + np.exp(1.3) - np.log(1.3) + np.log10(1.3)),
        ("sin(mu) * cos(mu) + tanh(mu) - abs(-mu)", np.sin(1.3) * np.cos(1.3) + np.tanh(1.3) - 1.3),
        ("min(kappa, mu, 0.2) + max(1, mu)", 1.5),
        ("`mu-ww` * 3", 6.0),
        ("1 / 4", 0.25),
    ],
)
def test_numpy_and_jax_give_the_number(text: str, expected: float) -> None:
    assert evaluated(text, np) == pytest.approx(expected, rel=1e-15)
    with jax.enable_x64(True):
        assert evaluated(text, jnp) == pytest.approx(expected, rel=1e-14)


def test_whole_powers_have_derivatives_at_zero() -> None:
    expression = parse_expression("x**2 + x**3 + x**1.0")

    def value(x: jax.Array) -> jax.Array:
        return evaluate_arithmetic(expression, {"x": x}, {})

    with jax.enable_x64(True):
        assert (float(jax.grad(value)(0.0)), float(jax.hessian(value)(0.0))) == (1.0, 2.0)


@pytest.mark.parametrize(
    ("text", "part", "carets", "column"),
    [
        ("1 + open('x')", "open('x')", "        ^^^^^^^^^", 5),
        ("kappa.real", "kappa.real", "    ^^^^^^^^^^", 1),
        ("`mu-ww` * (kappa > 1)", "kappa > 1", "               ^^^^^^^^^", 12),
        ("2 * 'ä' + 1", "'ä'", "        ^^^", 5),
        ("1 + max(mu)", "max(mu)", "        ^^^^^^^", 5),
        ("sqrt(mu, kappa)", "sqrt(mu, kappa)", "    ^^^^^^^^^^^^^^^", 1),
        ("True + mu", "True", "    ^^^^", 1),
        ("mu // kappa", "mu // kappa", "    ^^^^^^^^^^^", 1),
        ("mu if kappa else 1", "mu if kappa else 1", "    " + "^" * 18, 1),
    ],
)
def test_all_else_is_refused_with_a_caret_under_it(text: str, part: str, carets: str, column: int) -> None:
    expression = parse_expression(text)
    with pytest.raises(SelectionError) as caught:
        check_arithmetic(expression)
    assert caught.value.message.startswith(f"{part!r} is not allowed")
    assert caught.value.message.splitlines()[1:] == ["    " + text, carets]
    assert caught.value.place == f"column {column}"


def test_a_syntax_error_gets_a_caret_too() -> None:
    with pytest.raises(SelectionError) as caught:
        parse_expression("  `a b` + * kappa")
    assert caught.value.message.splitlines()[1:] == ["      `a b` + * kappa", "              ^"]
    assert caught.value.place == "column 11"


def test_numbers_that_are_not_finite_are_refused() -> None:
    with pytest.raises(SelectionError, match="is not allowed"):
        check_arithmetic(parse_expression("1e999 * mu"))


def test_deep_nesting_is_refused() -> None:
    with pytest.raises(SelectionError, match="nested too deeply"):
        check_arithmetic(parse_expression("-" * 300 + "mu"))


def test_the_canonical_text_does_not_depend_on_spaces_and_parentheses() -> None:
    texts = ("1+0.4*`mu-ww`", " 1 + (0.4 * `mu-ww`)\n")
    assert {parse_expression(text).canonical for text in texts} == {"1 + 0.4 * `mu-ww`"}
