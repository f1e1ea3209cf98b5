"""What `hfscale.store.verifying.verify` finds."""

from dataclasses import asdict, dataclass
from typing import Any, Literal

from hfscale.store.places import Place

Kind = Literal["missing", "torn", "altered", "foreign"]

_RESTORE = "restore it from a copy of the store; without one, compute a new store"
_RECOMPUTE = "hfscale verify --forget drops the result; the command that made the store then computes it again"


@dataclass(frozen=True)
class Damage:
    """A piece of a store that is not as it should be.

    Attributes:
        kind: ``missing``; ``torn``, its end is missing; ``altered``, it is not what was written; or ``foreign``, it
            does not belong to the store.
        piece: Path of the file inside of the store.
        what: What is wrong, in one sentence.
        remedy: What to do.
        task: Identity of the finished task whose result is lost, None if no result is.
        points: Names of the signal points of that task.
    """

    kind: Kind
    piece: str
    what: str
    remedy: str = _RESTORE
    task: str | None = None
    points: tuple[str, ...] = ()


@dataclass(frozen=True)
class Verification:
    """How a store was found.

    Attributes:
        path: Folder of the store.
        tasks: How many finished tasks were checked, with all their chunks.
        damage: The damaged pieces; none if the store is sound, be it finished or not.
    """

    path: Place
    tasks: int
    damage: tuple[Damage, ...]

    @property
    def sound(self) -> bool:
        """Whether nothing is damaged."""
        return not self.damage

    @property
    def lost_tasks(self) -> tuple[str, ...]:
        """Identities of the finished tasks whose results are damaged."""
        return tuple(dict.fromkeys(damage.task for damage in self.damage if damage.task is not None))

    def to_json(self) -> dict[str, Any]:
        """Return a JSON document."""
        return {
            "store": str(self.path),
            "sound": self.sound,
            "tasks": self.tasks,
            "damage": [asdict(damage) | {"points": list(damage.points)} for damage in self.damage],
        }


def lost_result(kind: Kind, piece: str, what: str, task: str, points: tuple[str, ...]) -> Damage:
    """Describe damage of a result that can be computed again."""
    return Damage(kind, piece, what, _RECOMPUTE, task, points)
