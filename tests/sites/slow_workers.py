"""The command hfscale with tasks that take long enough for something to happen to those who do them."""

import sys
from pathlib import Path

from tests.program import ROOT

_COMMAND = """\
#!{python}
import sys, time
sys.path.insert(0, {root!r})
from hfscale import phases
do_task = phases.do_task
def slowly(store, task_id):
    time.sleep({seconds})
    return do_task(store, task_id)
phases.do_task = slowly
from hfscale.cli.main import main
main()
"""


def write_command(file: Path, seconds: float = 0.0) -> None:
    """Write a program that is the command ``hfscale``, each of whose tasks takes so many seconds longer than it would.

    A driver sends such tasks to its workers, too.
    """
    file.write_text(_COMMAND.format(python=sys.executable, root=str(ROOT), seconds=seconds))
    file.chmod(0o755)
