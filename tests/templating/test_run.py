"""Templates are those of cabinetry, made once each, whatever makes them and however often it is interrupted."""

import copy
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cabinetry
import numpy as np
import pytest
import uproot

import hfscale
from hfscale.errors import HfscaleWarning, InputError, InterruptedRunError, StoreBusyError, StoreError
from hfscale.runtime import loop
from hfscale.runtime.executors.local import LocalExecutor
from hfscale.store.lock import exclusive
from hfscale.templating.ledger import Layout
from tests.program import PYHF_WARNING
from tests.templating.ntuples import collecting, events, write_tree

pytestmark = pytest.mark.filterwarnings(PYHF_WARNING, "ignore::ResourceWarning")

N_TEMPLATES = 16
N_TASKS = 7
"""Templates of each sample in each region; the parts of the workspace are further tasks."""


def one_after_the_other(config: dict[str, Any], folder: str, *, collect: bool = False) -> None:
    """Have cabinetry itself do all of it."""
    config = copy.deepcopy(config)
    config["General"]["HistogramFolder"] = folder
    (cabinetry.templates.collect if collect else cabinetry.templates.build)(config)
    cabinetry.templates.postprocess(config)
    cabinetry.workspace.save(cabinetry.workspace.build(config), Path(folder) / "workspace.json")


def contents(folder: str | Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(Path(folder).iterdir()) if path.is_file()}


def times(folder: str | Path) -> dict[str, int]:
    return {path.name: path.stat().st_mtime_ns for path in Path(folder).glob("*.npz")}


@pytest.mark.parametrize("executor", ["local", "processes"])
def test_everything_equals_what_cabinetry_makes(inputs: Path, config: dict[str, Any], executor: Any) -> None:
    one_after_the_other(config, "theirs")
    found = hfscale.templates(config, "ours", executor=executor, workers=2)
    assert contents("ours") == contents("theirs")
    assert (len(found.names), found.made, found.kept, found.failures) == (N_TEMPLATES, N_TEMPLATES, 0, {})
    assert found.workspace == inputs / "ours" / "workspace.json"
    assert not list((inputs / "ours" / ".hfscale" / "drafts").iterdir())


def test_histograms_are_collected(inputs: Path) -> None:
    one_after_the_other(collecting(), "theirs", collect=True)
    found = hfscale.templates(collecting(), "ours", executor="local")
    assert contents("ours") == contents("theirs")
    assert found.made == 4


def test_only_what_changed_is_made_again(inputs: Path, config: dict[str, Any]) -> None:
    hfscale.templates(config, executor="local")
    before = times("histograms")
    again = hfscale.templates(config, executor="local")
    assert (again.made, again.kept, times("histograms")) == (0, N_TEMPLATES, before)

    # One weight in the configuration, one file of the folder, and one ntuple.
    config["Systematics"][1]["Up"]["Weight"] = "w*(1 + 0.2*y)"
    (inputs / "histograms" / "CR_other.npz").write_bytes(b"torn")
    with uproot.recreate("ntuples/data.root") as file:
        write_tree(file, "data", events(seed=77))
    os.utime("ntuples/data.root", ns=(1, 1))
    changed = hfscale.templates(config, executor="local")
    after = times("histograms")
    assert {name for name in before if before[name] != after[name]} == {
        f"{name}{suffix}.npz"
        for name in (
            "Signal-region_Data",
            "CR_Data",
            "Signal-region_signal_weights_Up",
            "Signal-region_top_weights_Up",
            "CR_top_weights_Up",
        )
        for suffix in ("", "_modified")
    } | {"CR_other.npz"}
    assert changed.made == 6
    one_after_the_other(config, "theirs")
    assert contents("histograms") == contents("theirs")


def test_a_nominal_template_that_changes_changes_what_is_smoothed_by_it(inputs: Path, config: dict[str, Any]) -> None:
    hfscale.templates(config, executor="local")
    before = contents("histograms")
    config["Samples"][2]["Weight"] = "0.5*w*y"
    hfscale.templates(config, executor="local")
    one_after_the_other(config, "theirs")
    after = contents("histograms")
    assert after == contents("theirs")
    smoothed = "Signal-region_top_tree_Up_modified.npz"
    assert before[smoothed] != after[smoothed]


class _Interrupted(LocalExecutor):
    """Hears control-C after some calls."""

    def __init__(self, calls: int) -> None:
        super().__init__()
        self.left = calls

    def wait(self, *given: Any) -> Any:
        if self.left == 0:
            raise KeyboardInterrupt
        self.left -= 1
        return super().wait(*given)


@pytest.mark.parametrize("calls", [2, N_TASKS + 1])
def test_an_interrupted_run_goes_on_where_it_was(inputs: Path, config: dict[str, Any], calls: int) -> None:
    with pytest.raises(InterruptedRunError):
        hfscale.templates(config, executor=_Interrupted(calls))
    before = times("histograms")
    assert 0 < len(before) < 2 * N_TEMPLATES
    assert (calls > N_TASKS) == (len(before) > 2 * N_TEMPLATES - 3)
    assert not (inputs / "histograms" / "workspace.json").exists()
    hfscale.templates(config, executor="local")
    assert before.items() <= times("histograms").items()
    one_after_the_other(config, "theirs")
    assert contents("histograms") == contents("theirs")


class _Remembering(LocalExecutor):
    """Keeps the calls, with the orders that their workers have read."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[tuple[Callable[..., Any], str, bytes]] = []

    def submit(self, function: Callable[..., Any], *args: Any) -> Any:
        self.calls.append((function, args[0], Path(function.args[0]).read_bytes()))  # type: ignore[attr-defined]
        return super().submit(function, *args)


class _WithLeftovers(LocalExecutor):
    """A cluster that still does calls of an earlier run."""

    def __init__(self, calls: list[tuple[Callable[..., Any], str, bytes]]) -> None:
        super().__init__()
        self._calls = calls

    def wait(self, *given: Any) -> Any:
        outcomes = super().wait(*given)
        for function, task_id, orders in self._calls:
            Path(function.args[0]).write_bytes(orders)  # type: ignore[attr-defined]
            function(task_id)
        return outcomes


def test_a_part_of_an_earlier_run_is_not_taken(inputs: Path, config: dict[str, Any]) -> None:
    earlier = _Remembering()
    hfscale.templates(config, executor=earlier)
    (inputs / "histograms" / "CR_other.npz").unlink()
    config["Systematics"][0]["Up"]["Normalization"] = 0.07
    hfscale.templates(config, executor=_WithLeftovers(earlier.calls[N_TASKS:]))
    one_after_the_other(config, "theirs")
    assert contents("histograms") == contents("theirs")


@pytest.mark.parametrize("region", ["Signal region", "CR"])
def test_a_template_of_an_earlier_run_makes_no_workspace(inputs: Path, config: dict[str, Any], region: str) -> None:
    earlier = _Remembering()
    hfscale.templates(config, executor=earlier)
    config["Samples"][2]["Weight"] = "0.5*w*y"
    # The tasks that make top.
    top = _WithLeftovers([earlier.calls[{"Signal region": 2, "CR": 5}[region]]])
    if region == "CR":
        with pytest.raises(StoreError, match=r"templates in .* were changed during the run, for example CR_top"):
            hfscale.templates(config, executor=top)
    else:
        # One of them is smoothed by the nominal template.
        ((failed, why),) = hfscale.templates(config, executor=top).failures.items()
        assert failed == "Signal-region_top_tree_Up"
        assert "Signal-region_top_tree_Up.npz was changed during the run" in why
    assert not (inputs / "histograms" / "workspace.json").exists()
    hfscale.templates(config, executor="local")
    one_after_the_other(config, "theirs")
    assert contents("histograms") == contents("theirs")


class _WithoutWorkers(LocalExecutor):
    """Never does anything."""

    def wait(self, *given: Any) -> Any:
        return {}

    def has_workers(self) -> bool:
        return False


def test_it_waits_for_workers_as_long_as_is_said(
    inputs: Path, config: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(InputError, match="task_limit 'long'"):
        hfscale.templates(config, executor="local", task_limit="long")
    monkeypatch.setattr(loop, "WATCH_SECONDS", 0.01)
    with pytest.raises(InterruptedRunError, match=r"no worker for 0\.05 s"):
        hfscale.templates(config, executor=_WithoutWorkers(), wait_workers="0.05s")


def test_a_failed_file_is_named_and_does_not_stop_the_others(inputs: Path, config: dict[str, Any]) -> None:
    hfscale.templates(config, executor="local")
    (inputs / "ntuples" / "top_1.root").unlink()
    found = hfscale.templates(config, executor="local")
    assert found.workspace is None
    assert not (inputs / "histograms" / "workspace.json").exists()
    assert set(found.failures) == {
        "Signal-region_top",
        "CR_top",
        *(f"{region}_top_weights_{side}" for region in ("Signal-region", "CR") for side in ("Up", "Down")),
        *(f"{region}_top_tree_Up" for region in ("Signal-region", "CR")),
    }
    for name, reason in found.failures.items():
        assert "top_1.root" in reason
        assert not (inputs / "histograms" / f"{name}.npz").exists()
        assert not (inputs / "histograms" / f"{name}_modified.npz").exists()


def test_a_torn_file_is_named(inputs: Path, config: dict[str, Any]) -> None:
    file = inputs / "ntuples" / "data.root"
    file.write_bytes(file.read_bytes()[:700])
    found = hfscale.templates(config, executor="local")
    assert set(found.failures) == {"Signal-region_Data", "CR_Data"}
    for reason in found.failures.values():
        assert f"tree data of {file}" in reason


def _branch(config: dict[str, Any]) -> None:
    config["Samples"][1]["Weight"] = "w*nonsense"


def _tree(config: dict[str, Any]) -> None:
    config["Samples"][1]["Tree"] = "nonsense"


def _selection(config: dict[str, Any]) -> None:
    config["Samples"][1]["Filter"] = "x > 1e6"


def _outside(config: dict[str, Any]) -> None:
    config["Samples"][1]["Filter"] = "y > 0.1"
    config["Regions"][0]["Binning"] = [100, 200, 300, 400]


def _syntax(config: dict[str, Any]) -> None:
    config["Samples"][1]["Filter"] = "x >>> 1"


def _not_a_number(config: dict[str, Any]) -> None:
    config["Samples"][1]["Weight"] = "sqrt(w - 10)"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (_branch, ["no branch 'nonsense' in the tree nominal", "weight 'w*nonsense'"]),
        (_tree, ["no tree nonsense", "signal.root"]),
        (_selection, ["no event is selected", "tree nominal", "filter 'x > 1e6'"]),
        (_outside, ["all events lie outside of the bins", "tree nominal"]),
        (_syntax, ["filter 'x >>> 1' cannot be understood", "tree nominal"]),
        (_not_a_number, ["NaN", "weight 'sqrt(w - 10)'", "tree nominal"]),
    ],
)
@pytest.mark.filterwarnings("ignore:invalid value encountered:RuntimeWarning")
def test_bad_input_of_a_template_is_named(inputs: Path, config: dict[str, Any], change: Any, said: list[str]) -> None:
    config["Systematics"] = []
    change(config)
    found = hfscale.templates(config, executor="local")
    assert "Signal-region_signal" in found.failures
    reason = found.failures["Signal-region_signal"]
    for text in ("signal.root", *said):
        assert text in reason
    folder = inputs / "histograms"
    for name in found.failures:
        assert not list(folder.glob(f"{name}*.npz"))
    for name in set(found.names) - found.failures.keys():
        assert (folder / f"{name}_modified.npz").exists()
    assert not list((folder / ".hfscale" / "drafts").iterdir())
    assert not (folder / "workspace.json").exists()


def test_a_template_that_fails_does_not_stop_the_others_of_its_task(inputs: Path, config: dict[str, Any]) -> None:
    right = copy.deepcopy(config)
    config["Systematics"][1]["Up"]["Weight"] = "w*nonsense"
    found = hfscale.templates(config, executor="local")
    assert set(found.failures) == {
        "Signal-region_signal_weights_Up",
        "Signal-region_top_weights_Up",
        "CR_top_weights_Up",
    }
    for reason in found.failures.values():
        assert "no branch 'nonsense' in the tree nominal, for variable " in reason
    assert (found.made, found.workspace) == (N_TEMPLATES - 3, None)
    corrected = hfscale.templates(right, executor="local")
    assert (corrected.made, corrected.kept) == (3, N_TEMPLATES - 3)
    one_after_the_other(right, "theirs")
    assert contents("histograms") == contents("theirs")


def test_empty_templates_can_be_allowed(inputs: Path, config: dict[str, Any]) -> None:
    _selection(config)
    config["Systematics"] = []
    found = hfscale.templates(config, executor="local", allow_empty=True)
    assert found.workspace is not None
    assert not np.load("histograms/Signal-region_signal.npz")["yields"].any()


def test_smoothing_by_an_empty_bin_is_refused(inputs: Path, config: dict[str, Any]) -> None:
    config["Regions"][0]["Binning"] = [-2, 0, 2, 4, 6, 8]
    found = hfscale.templates(config, executor="local")
    assert set(found.failures) == {"Signal-region_top_tree_Up"}
    assert "NaN" in found.failures["Signal-region_top_tree_Up"]
    assert "Signal-region_top" in found.failures["Signal-region_top_tree_Up"]
    assert not (inputs / "histograms" / "Signal-region_top_tree_Up_modified.npz").exists()


def test_a_missing_histogram_is_named(inputs: Path) -> None:
    config = collecting()
    config["Systematics"][0]["Up"]["VariationPath"] = "_upp"
    found = hfscale.templates(config, executor="local")
    (reason,) = found.failures.values()
    assert "histograms.root has no histogram" in reason
    assert "background_upp" in reason


def test_names_that_do_not_exist_are_warned_of(inputs: Path, config: dict[str, Any]) -> None:
    config["Systematics"][1]["Samples"] = ["signal", "topp"]
    with pytest.warns(HfscaleWarning, match="there is no 'topp'; did you mean 'top'"):
        hfscale.templates(config, executor="local")


def test_two_runs_do_not_write_one_folder(inputs: Path, config: dict[str, Any]) -> None:
    layout = Layout(inputs / "histograms")
    layout.make()
    with exclusive(layout.lock), pytest.raises(StoreBusyError):
        hfscale.templates(config, executor="local")
