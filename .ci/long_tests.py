"""Run the long tests that fit into a time budget, beginning with those that wait longest, and print what was left out.

No state survives between two runs on different machines, so whose turn it is follows from the number of commits: every
commit moves the start by one, and each test comes first after as many commits as there are tests.
"""

import argparse
import subprocess
import sys
import time
from pathlib import Path

LONGEST_SECONDS = 900


def collected() -> list[str]:
    """Return the files that hold long tests."""
    command = [sys.executable, "-m", "pytest", "-n", "0", "-m", "slow or peer", "--collect-only", "-q"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode not in (0, 5):
        sys.exit(done.stdout + done.stderr)
    return sorted({line.partition("::")[0] for line in done.stdout.splitlines() if "::" in line})


def lowest_versions() -> list[list[str]]:
    """Return the commands that test the declared lower bounds of all packages."""
    python = ".venv-lowest/bin/python"
    return [
        [sys.executable, "-m", "venv", ".venv-lowest"],
        [sys.executable, "-m", "pip", "install", "--quiet", "uv"],
        ["uv", "pip", "install", "--quiet", "--python", python, "--resolution", "lowest-direct", ".[test]"],
        # Old versions of other packages warn of their own future; only failures count here.
        [python, "-m", "pytest", "-q", "-W", "default", "-m", "not slow and not peer and not data and not dask"],
    ]


def commit_count() -> int:
    """Return the number of commits, 0 outside of a repository."""
    done = subprocess.run(["git", "rev-list", "--count", "HEAD"], capture_output=True, text=True, check=False)
    return int(done.stdout) if done.returncode == 0 else 0


def run_all(commands: list[list[str]]) -> bool | None:
    """Run commands in order; True if all succeeded, None if one took longer than is allowed."""
    for command in commands:
        if command[0] == "uv":
            command = [str(Path(sys.executable).with_name("uv")), *command[1:]]
        print("$", " ".join(command), flush=True)
        try:
            if subprocess.run(command, check=False, timeout=LONGEST_SECONDS).returncode != 0:
                return False
        except subprocess.TimeoutExpired:
            return None
    return True


def main() -> int:
    """Run and report; the exit code is 1 if anything failed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--until-minute", type=float, required=True)
    parser.add_argument("--started", type=float, required=True)
    options = parser.parse_args()
    # One process, and programs compiled as users have them, not as the other tests do to save time.
    plain = ["env", "XLA_FLAGS=", sys.executable, "-m", "pytest", "-q", "-n", "0", "--durations=5"]
    jobs = {file: [[*plain, "-m", "slow or peer", file]] for file in collected()}
    jobs["lowest versions"] = lowest_versions()
    names = list(jobs)
    turn = commit_count() % len(names)
    failed, left_out = [], []
    for name in names[turn:] + names[:turn]:
        if (time.time() - options.started) / 60 > options.until_minute:
            left_out.append(name)
            continue
        ended = run_all(jobs[name])
        if ended is None:
            left_out.append(f"{name} (stopped after {LONGEST_SECONDS} s)")
        elif not ended:
            failed.append(name)
    print(f"long tests: {len(jobs) - len(failed) - len(left_out)} passed, {len(failed)} failed")
    for name in failed:
        print(f"  failed: {name}")
    for name in left_out:
        print(f"  left out for lack of time: {name}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
