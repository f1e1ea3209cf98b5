"""Templates on every engine: workers die, runs are interrupted, and in the end the files are those of cabinetry."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

import hfscale
from hfscale.errors import InterruptedRunError
from hfscale.runtime.executors.base import Executor
from hfscale.runtime.executors.choose import open_executor
from tests.program import PYHF_WARNING
from tests.program import hfscale as run
from tests.templating.test_run import N_TEMPLATES, contents, one_after_the_other, times

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings(PYHF_WARNING, "ignore::ResourceWarning")]

ENGINES = ["processes", pytest.param("dask", marks=pytest.mark.dask), pytest.param("ray", marks=pytest.mark.ray)]


def deadly(engine: Executor, template: str, flag: Path | None) -> None:
    """Have a worker die when it has made a template; only once if there is a file to take note of it."""
    submit, path = engine.submit, None if flag is None else str(flag)

    def dying(function: Callable[..., Any]) -> Callable[..., Any]:
        def work_and_die(orders_file: str, task_id: str) -> Any:
            import os
            from pathlib import Path

            from hfscale.templating.orders import number_of, read_orders

            orders = read_orders(orders_file)
            made = [orders.templates[k].name for k in orders.shares[number_of(task_id)].make]
            if template in made and not (path and Path(path).exists()):
                function.func(orders_file, task_id)  # type: ignore[attr-defined]
                if path:
                    Path(path).touch()
                os._exit(1)
            return function.func(orders_file, task_id)  # type: ignore[attr-defined]

        def work(task_id: str) -> Any:
            return work_and_die(function.args[0], task_id)  # type: ignore[attr-defined]

        return work

    engine.submit = lambda function, *args: submit(dying(function), *args)  # type: ignore[method-assign]


def interrupted(engine: Executor, finished: int, flag: Path) -> None:
    """Have a run hear control-C when so many tasks have ended, and there is a file."""
    wait, left = engine.wait, finished

    def wait_or_raise(*given: Any) -> Any:
        nonlocal left
        if left <= 0 and flag.exists():
            raise KeyboardInterrupt
        outcomes = wait(*given)
        left -= len(outcomes)
        return outcomes

    engine.wait = wait_or_raise  # type: ignore[method-assign]


@pytest.mark.parametrize("engine", ENGINES)
def test_a_killed_worker_and_an_interrupted_run_change_nothing(
    inputs: Path, config: dict[str, Any], engine: Any
) -> None:
    one_after_the_other(config, "theirs")
    with open_executor(engine, 2) as executor:
        deadly(executor, "Signal-region_signal", inputs / "died")
        interrupted(executor, 4, inputs / "died")
        with pytest.raises(InterruptedRunError):
            hfscale.templates(config, "ours", executor=executor)
    assert (inputs / "died").exists()
    before = times("ours")
    assert before
    assert not (inputs / "ours" / "workspace.json").exists()
    (inputs / "config.yml").write_text(yaml.safe_dump(config))
    ended = run("templates", "config.yml", "-o", "ours", "--executor", engine, "--workers", 2, "--json")
    assert ended.code == 0, ended.err
    found = ended.json()
    assert found["made"] + found["kept"] == N_TEMPLATES
    assert found["kept"] >= 3
    after = times("ours")
    assert sum(after[name] == time for name, time in before.items()) >= 2 * found["kept"]
    assert contents("ours") == contents("theirs")
    assert not list((inputs / "ours" / ".hfscale" / "drafts").iterdir())


def test_a_template_that_kills_every_worker_is_given_up_alone(inputs: Path, config: dict[str, Any]) -> None:
    config["Systematics"] = config["Systematics"][:2]
    with open_executor("processes", 1) as executor:
        deadly(executor, "Signal-region_top_weights_Up", None)
        found = hfscale.templates(config, executor=executor)
    assert found.workspace is None
    assert list(found.failures) == ["Signal-region_top_weights_Up"]
    assert "the worker process died" in found.failures["Signal-region_top_weights_Up"]
    assert "tree nominal of" in found.failures["Signal-region_top_weights_Up"]
    assert found.made == len(found.names) - 1
    one_after_the_other(config, "theirs")
    again = hfscale.templates(config, executor="local")
    assert (again.made, again.kept) == (1, len(found.names) - 1)
    assert contents("histograms") == contents("theirs")
