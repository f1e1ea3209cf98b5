from typing import Any

from hfscale.plan.digests import differences, digest, settings_document


def document(**changes: Any) -> dict[str, Any]:
    arguments: dict[str, Any] = {
        "inputs_digests": {"workspace": "a" * 64, "patchset": None},
        "measurement": "NormalMeasurement",
        "poi": "mu_SIG",
        "calculation": {"kind": "cls", "test_poi": 1.0},
        "names": ["p1", "p2", "p3"],
        "labels": ["m1"],
    }
    return settings_document(**(arguments | changes))


def test_equal_settings_do_not_differ() -> None:
    assert differences(document(), document()) == []
    assert digest(document()) == digest(document())


def test_the_digest_does_not_depend_on_the_order_of_keys() -> None:
    assert digest({"a": 1, "b": {"c": 2, "d": 3}}) == digest({"b": {"d": 3, "c": 2}, "a": 1})


def test_differences_name_the_setting_and_both_values() -> None:
    asked = document(
        calculation={"kind": "cls", "test_poi": 2.0}, poi="mu", inputs_digests={"workspace": "b" * 64, "patchset": None}
    )
    assert digest(asked) != digest(document())
    assert differences(document(), asked) == [
        "inputs.workspace: aaaaaaaaaaaa... in the store, bbbbbbbbbbbb... asked",
        "poi: mu_SIG in the store, mu asked",
        "test_poi: 1.0 in the store, 2.0 asked",
    ]


def test_differences_of_points_are_counted_and_exemplified() -> None:
    assert differences(document(), document(names=["p1", "p4"])) == [
        "points: 3 in the store, 2 asked (only in the store: p2, p3; only asked: p4)"
    ]
    assert differences(document(), document(names=["p2", "p1", "p3"])) == [
        "points: 3 in the store, 3 asked (in another order)"
    ]
