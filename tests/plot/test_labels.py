import pytest

from hfscale.plot.labels import axis_label


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("m_sbottom", r"$m_{\mathrm{sbottom}}$"),
        ("m_n2 - m_n1", r"$m_{\mathrm{n2}}$ − $m_{\mathrm{n1}}$"),
        ("m1", "m1"),
        ("log10(m_a)", r"log10($m_{\mathrm{a}}$)"),
        ("a_b_c", "a_b_c"),
        ("`mass gluino` / 2", "mass gluino / 2"),
        ("`cost$`", r"cost\$"),
    ],
)
def test_only_subscripts_are_set(expression: str, expected: str) -> None:
    assert axis_label(expression) == expected


def test_unit_is_added_when_given() -> None:
    assert axis_label("m1", "GeV") == "m1 [GeV]"
