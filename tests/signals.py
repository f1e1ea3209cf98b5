"""Child processes that can be interrupted, whatever started the tests."""

import sys

_LAUNCH = """\
import os, signal, sys
signal.signal(signal.SIGINT, signal.SIG_DFL)
os.execv(sys.executable, [sys.executable, *sys.argv[1:]])
"""

HEARING_PYTHON = (sys.executable, "-c", _LAUNCH)
"""Python that hears SIGINT even where it was started deaf to it, as a shell starts its background jobs."""
