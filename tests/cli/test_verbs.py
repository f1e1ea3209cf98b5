"""What all verbs have in common: help, loudness, JSON on standard output alone, completion, and the nearest name."""

import json
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.shell_completion import ShellComplete

from hfscale.cli.main import cli
from tests.program import Search, hfscale

WITHOUT_JSON = {
    "worker",  # one of many, whose numbers are in the store
    "export",  # prints the format that was asked for
    "report",  # writes a page
    "completion",  # prints a script for a shell
}
"""Verbs that print no results; those of ``plot`` draw pictures."""


def verbs(group: click.Group = cli, before: str = "") -> Iterator[tuple[str, click.Command]]:
    """All verbs, those of groups too, by what is typed."""
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from verbs(command, f"{before}{name} ")
        else:
            yield f"{before}{name}", command


ALL = dict(verbs())


def options_of(command: click.Command) -> set[str]:
    return {name for parameter in command.params for name in parameter.opts}


@pytest.mark.parametrize("verb", ALL)
def test_every_verb_has_help_with_examples_and_says_how_loud_it_is(verb: str) -> None:
    ended = hfscale(*verb.split(), "--help")
    assert (ended.code, ended.err) == (0, "")
    # The examples of verbs in groups may stand with their group.
    examples = ended.out if "Example" in ended.out else hfscale(*verb.split()[:-1], "--help").out
    assert f"hfscale {verb}" in examples.split("Example")[1]
    assert {"--quiet", "--verbose", "--log-format"} <= options_of(ALL[verb])


def test_every_verb_that_prints_results_prints_them_as_json() -> None:
    without = {verb for verb, command in ALL.items() if "--json" not in options_of(command)}
    assert {verb for verb in without if not verb.startswith("plot ")} <= WITHOUT_JSON


AXES = ("-x", "m_heavy", "-y", "m_light")
PRINTING = [
    ("cls", "{workspace}", "{patchset}", "-o", "{folder}/new.zarr", "--dry-run"),
    ("scan", "{workspace}", "{patchset}", "-o", "{folder}/new.zarr", "--poi-grid", "0:2:3", "--dry-run"),
    ("run", "{campaign}"),
    ("plan", "{campaign}"),
    ("status", "{store}"),
    ("show", "{store}"),
    ("verify", "{store}"),
    ("contour", "{store}", *AXES, "--interpolation-error", "--suggest", "2", "-o", "{folder}/contour.svg"),
    ("inspect", "{workspace}", "{patchset}"),
    ("validate", "{workspace}", "{patchset}"),
    ("prune", "{workspace}"),
    ("doctor", "--seconds", "0"),
    ("schema",),
]


@pytest.fixture
def words(small: Search, small_store: Path) -> dict[str, object]:
    """What stands for the names in braces; the store is done."""
    campaign = small.folder / "campaign.yaml"
    inputs = [small_store.parent / name for name in ("BkgOnly.json", "patchset.json")]
    workspace, patchset = inputs if all(file.exists() for file in inputs) else (small.workspace, small.patchset)
    campaign.write_text(
        f"schema: 1\nworkspace: {workspace}\npatchset: {patchset}\nstore: {small_store}\nrun: {{executor: local}}\n"
    )
    return {**small._asdict(), "store": small_store, "campaign": campaign}


@pytest.mark.parametrize("command", PRINTING, ids=lambda command: command[0])
def test_standard_output_is_json_alone(command: tuple[str, ...], words: dict[str, object]) -> None:
    ended = hfscale(*(word.format(**words) for word in command), "--json")
    assert ended.code == 0, ended
    assert ended.json()


def test_lines_of_a_contour_are_numbers(small_store: Path, tmp_path: Path) -> None:
    file = tmp_path / "lines.csv"
    found = hfscale("contour", small_store, *AXES, "--csv", file, "--json").json()["lines"]
    rows = [line.split(",") for line in file.read_text().splitlines()[1:]]
    first = [[float(x), float(y)] for line, segment, x, y in rows if (line, segment) == ("observed", "0")]
    assert first == found["observed"][0]


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (("contuor", "a.zarr"), "'contour'"),
        (("plot", "brasil"), "'brazil'"),
        (("workspace", "prun"), "'prune'"),
        (("status", "{store}", "--jsn"), "--json"),
        (("show", "{store}", "--point", "s_200_10"), "s_200_100"),
        (("cls", "{workspace}", "{patchset}", "-o", "{folder}/n.zarr", "--points", "s_200_10"), "s_200_100"),
        (("contour", "{store}", "-x", "m_heavi", "-y", "m_light", "--json"), "did you mean 'm_heavy'?"),
        (("run", "{campaign}", "--set", "run.wokers=2"), "did you mean 'workers'?"),
        (("run", "{campaign}", "--set", "calculation.interpcode.normsis=code4"), "did you mean 'normsys'?"),
    ],
    ids=lambda value: value if isinstance(value, str) else value[0],
)
def test_the_nearest_name_is_told(command: tuple[str, ...], said: str, words: dict[str, object]) -> None:
    ended = hfscale(*(word.format(**words) for word in command))
    assert (ended.code, ended.out) == (2, "")
    assert said in ended.err


@pytest.mark.parametrize("form", [("--log-format", "json"), ("--log-format=json",)])
@pytest.mark.parametrize("wrong", [("nonsense",), ("status",), ("show", "a.zarr", "--nonsense")])
def test_misuse_is_told_in_json_where_logs_are(wrong: tuple[str, ...], form: tuple[str, ...]) -> None:
    ended = hfscale(*wrong, *form)
    assert (ended.code, ended.out) == (2, "")
    error = json.loads(ended.err)
    assert (error["event"], error["kind"]) == ("error", "usage")
    assert error["message"]


def completed(words: list[str], begun: str) -> set[str]:
    """What a shell offers after these words."""
    found = ShellComplete(cli, {}, "hfscale", "_HFSCALE_COMPLETE").get_completions(words, begun)
    return {item.value for item in found}


def test_a_shell_completes_verbs_options_choices_points_and_labels(small_store: Path) -> None:
    store = str(small_store)
    assert completed([], "sc") == {"scan", "schema"}
    assert completed(["plot"], "br") == {"brazil"}
    assert "--interpolation" in completed(["contour", store], "--inter")
    assert completed(["contour", store, "--interpolation"], "g") == {"gp"}
    assert completed(["show", store, "--point"], "s_200") == {"s_200_0", "s_200_100", "s_200_150"}
    assert completed(["contour", store, "-x"], "m_h") == {"m_heavy"}
    assert completed(["show", "no.zarr", "--point"], "s") == set()


@pytest.mark.parametrize(
    "words",
    [
        ["cls"],
        ["cls", "BkgOnly.json"],
        ["cls", "BkgOnly.json", "-o"],
        ["limit", "BkgOnly.json", "--cross-section"],
        ["run"],
        ["submit", "campaign.yaml", "--site"],
        ["contour", "a.zarr", "-o"],
        ["workspace", "combine", "a.json"],
        ["plot", "brazil", "a.zarr", "-o"],
        ["combine", "A"],
    ],
    ids=" ".join,
)
def test_a_shell_completes_files_where_files_are_taken(words: list[str]) -> None:
    found = ShellComplete(cli, {}, "hfscale", "_HFSCALE_COMPLETE").get_completions(words, "an")
    assert {item.type for item in found} == {"file"}


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_of_a_shell_asks_the_program(shell: str) -> None:
    ended = hfscale("completion", shell)
    assert ended.code == 0
    assert "_HFSCALE_COMPLETE" in ended.out
    assert f"{shell}_complete" in ended.out
