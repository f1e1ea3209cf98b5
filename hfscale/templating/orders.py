"""What workers are told: a file in the folder of templates, with a name that no other run gives to its own."""

import json
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from hfscale.store.files import write_bytes
from hfscale.templating.recipes import Template
from hfscale.templating.shares import Share


class Orders(NamedTuple):
    """What workers need to know.

    Attributes:
        config: cabinetry's configuration, with the absolute path of the folder where templates are written.
        drafts: Where files are before they are whole, and what only the driver reads; on the same disk.
        templates: All templates.
        shares: What each task does, by the number that identities of tasks begin with.
        allow_empty: Whether templates may be zero everywhere.
        finished: Name of each file that is finished -> its SHA-256.
    """

    config: Mapping[str, Any]
    drafts: Path
    templates: tuple[Template, ...]
    shares: tuple[Share, ...]
    allow_empty: bool
    finished: Mapping[str, str]

    @property
    def folder(self) -> Path:
        """Where templates are written."""
        return Path(self.config["General"]["HistogramFolder"])

    def receipt(self, task_id: str) -> Path:
        """Return the file in which a task says what it wrote."""
        return receipt_file(self.drafts, task_id)

    def write(self, path: Path) -> None:
        """Write them at once."""
        document = {
            "config": self.config,
            "drafts": str(self.drafts),
            "templates": [template.to_json() for template in self.templates],
            "shares": self.shares,
            "allow_empty": self.allow_empty,
            "finished": self.finished,
        }
        write_bytes(path, json.dumps(document).encode())


@lru_cache(maxsize=1)
def read_orders(path: str) -> Orders:
    """Read what `Orders.write` wrote; once per process, because no other orders get its name."""
    document: Mapping[str, Any] = json.loads(Path(path).read_text(encoding="utf-8"))
    return Orders(
        document["config"],
        Path(document["drafts"]),
        tuple(Template.from_json(item) for item in document["templates"]),
        tuple(Share.from_json(item) for item in document["shares"]),
        document["allow_empty"],
        document["finished"],
    )


def number_of(task_id: str) -> int:
    """Return the number of the share of a task."""
    return int(task_id.partition("-")[0])


def identity_of(task_id: str) -> str:
    """Return the identity of the orders of a task."""
    return task_id.partition("-")[2]


def receipt_file(drafts: Path, task_id: str) -> Path:
    """Return the file in which a task says what it wrote: name of each file -> its SHA-256."""
    return drafts / f"{task_id}.receipt.json"
