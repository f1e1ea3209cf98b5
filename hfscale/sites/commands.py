"""Calling the commands of a batch system."""

import os
import shutil
import subprocess
from collections.abc import Sequence
from typing import NamedTuple

from hfscale.errors import BatchSystemError, InputError

_TIMEOUT = 120.0


class Answer(NamedTuple):
    """What a command said."""

    code: int
    out: str
    err: str

    @property
    def complaint(self) -> str:
        """What it complained about, on one line."""
        return " ".join((self.err.strip() or self.out.strip() or f"exit code {self.code}").split())


def require(commands: Sequence[str], kind: str) -> None:
    """See that commands are there.

    Raises:
        InputError: One is missing.
    """
    for command in commands:
        if shutil.which(command) is None:
            raise InputError(
                f"the command {command} of {kind} is not on this machine",
                remedy=f"submit where {command} works, such as a login node; --dry-run needs no batch system",
            )


def ask(command: Sequence[str], text: str = "") -> Answer:
    """Run a command and return its answer, whatever its exit code.

    Args:
        command: The command and its arguments.
        text: Its standard input.

    Raises:
        BatchSystemError: It is missing, or does not answer.
    """
    try:
        done = subprocess.run(
            list(command),
            input=text,
            capture_output=True,
            text=True,
            timeout=_TIMEOUT,
            check=False,
            # Messages and states are read: they must not be translated.
            env={**os.environ, "LC_ALL": "C"},
        )
    except FileNotFoundError as error:
        raise BatchSystemError(
            f"the command {command[0]} is not on this machine", remedy="ask where the batch system's commands work"
        ) from error
    except subprocess.TimeoutExpired as error:
        raise BatchSystemError(
            f"{command[0]} does not answer", remedy="the batch system may be overloaded: try again later"
        ) from error
    return Answer(done.returncode, done.stdout, done.stderr)


def demand(command: Sequence[str], text: str = "") -> str:
    """Run a command that must succeed, and return its standard output.

    Raises:
        BatchSystemError: It failed; the message is its own.
    """
    answer = ask(command, text)
    if answer.code != 0:
        raise BatchSystemError(
            f"{command[0]} refused: {answer.complaint}",
            remedy="correct the site file, or ask the site's administrators",
        )
    return answer.out
