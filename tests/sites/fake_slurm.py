"""Commands like those of SLURM, which answer what a test lays down for them."""

from pathlib import Path
from typing import NamedTuple

_COMMANDS = {
    # Keeps what it is handed; refuses with the text of the file "refusal", or takes the job and loses its answer.
    "sbatch": """\
[ "$1" = --parsable ] || exit 9
cat > "$FAKE/script.$(ls "$FAKE" | grep -c '^script')"
if [ -f "$FAKE/refusal" ]; then cat "$FAKE/refusal" >&2; exit 1; fi
echo 4711
""",
    "squeue": """\
case "$*" in
    *--name=*) cat "$FAKE/named" 2>/dev/null || true ;;
    *) if [ -f "$FAKE/forgotten" ]; then echo "slurm_load_jobs error: Invalid job id specified" >&2; exit 1; fi
       cat "$FAKE/queue" ;;
esac
""",
    "scancel": 'echo "$@" >> "$FAKE/cancelled"\n',
    "sacct": """\
if [ -f "$FAKE/accounts" ]; then cat "$FAKE/accounts"; else echo "accounting storage is disabled" >&2; exit 1; fi
""",
}


class FakeSlurm(NamedTuple):
    """The commands, in a folder of their own, and the folder of what they answer and keep."""

    commands: Path
    folder: Path

    def lay_down(self, name: str, text: str) -> None:
        """Have the commands answer something."""
        (self.folder / name).write_text(text)

    @property
    def scripts(self) -> list[str]:
        """What sbatch was handed so far."""
        return [path.read_text() for path in sorted(self.folder.glob("script.*"))]

    @property
    def cancelled(self) -> str:
        """What scancel was called with."""
        return (self.folder / "cancelled").read_text()


def make_fake_slurm(root: Path) -> FakeSlurm:
    """Write the commands."""
    fake = FakeSlurm(root / "bin", root / "answers")
    for folder in fake:
        folder.mkdir(parents=True)
    for name, body in _COMMANDS.items():
        command = fake.commands / name
        command.write_text(f"#!/bin/sh\nFAKE='{fake.folder}'\n{body}")
        command.chmod(0o755)
    fake.lay_down("queue", "")
    return fake
