"""Signals to a command that are not told twice."""

import os
import signal
import subprocess
from pathlib import Path

import pytest

from tests.signals import HEARING_PYTHON

ROOT = Path(__file__).parents[2]
SLOW_TO_END = """
import sys, time
from hfscale.cli.interrupts import interruptible

def say(word):
    sys.stdout.write(word + "\\n")
    sys.stdout.flush()

try:
    with interruptible():
        try:
            say("running")
            time.sleep(600.0)
        except KeyboardInterrupt:
            say("ending")
            if sys.argv[1] == "slow":
                time.sleep(600.0)
            raise
except KeyboardInterrupt:
    say("ended")
"""


@pytest.mark.parametrize("first", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("second", [signal.SIGINT, signal.SIGTERM, None])
def test_a_second_signal_ends_what_is_slow_to_end(first: signal.Signals, second: signal.Signals | None) -> None:
    with subprocess.Popen(
        [*HEARING_PYTHON, "-c", SLOW_TO_END, "fast" if second is None else "slow"],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "running\n"
        process.send_signal(first)
        assert process.stdout.readline() == "ending\n"
        if second is None:
            assert process.stdout.readline() == "ended\n"
        else:
            process.send_signal(second)
    assert process.returncode == (0 if second is None else -second)
