from hfscale.plan.parts import default_part_size, make_parts, searches_of

TOYS = {"kind": "gof", "calctype": "toybased", "ntoys": 1000}


def test_only_searches_that_do_not_depend_on_one_another_are_cut() -> None:
    assert searches_of({"kind": "ranking"}, 132) == 132
    assert searches_of({"kind": "fit", "minos": ["all"]}, 132) == 132
    assert searches_of({"kind": "fit", "minos": ["mu"]}, 132) == 0
    assert searches_of(TOYS, 132) == 1000
    assert searches_of({**TOYS, "calctype": "asymptotics"}, 132) == 0
    assert searches_of({"kind": "limit"}, 132) == 0
    assert searches_of({}, 132) == 0


def test_long_points_are_cut_into_parts_of_some_ten_seconds() -> None:
    # 300 s: 30 parts.
    assert default_part_size(1, 300.0, 600) == 20
    assert default_part_size(100, 300.0, 600) == 20
    # Enough points for many workers, none longer than a task may be.
    assert default_part_size(100, 50.0, 600) == 0
    assert default_part_size(1, 50.0, 600) == 120
    # As long as a task.
    assert default_part_size(1, 15.0, 600) == 0
    # Nothing smaller than a parameter.
    assert default_part_size(1, 3600.0, 5) == 1
    assert default_part_size(1, 3600.0, 0) == 0


def test_parts_cover_every_parameter_of_every_point_once() -> None:
    parts = make_parts([0, 3], 10, 4, ["a", "b", "c", "d"], "digest")
    assert [(part.point, part.first, part.stop) for part in parts] == [
        (0, 0, 4), (0, 4, 8), (0, 8, 10), (3, 0, 4), (3, 4, 8), (3, 8, 10)
    ]  # fmt: skip
    assert len({part.id for part in parts}) == 6
    assert make_parts([0], 10, 10, ["a"], "digest") == ()
    assert make_parts([0], 10, 0, ["a"], "digest") == ()


def test_a_part_of_other_settings_is_another_part() -> None:
    ids = [make_parts([0], 10, 5, [name], settings)[0].id for name in "ab" for settings in ("one", "other")]
    assert len(set(ids)) == 4
