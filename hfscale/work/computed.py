"""What a task has computed, before any of it is written."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Shaped

from hfscale.runtime.events import TaskReport


@dataclass(frozen=True)
class Computed:
    """The results of a task: plain numbers and JSON, which travel between processes.

    Attributes:
        arrays: The block that the task writes, by name.
        report: What the driver is told.
        remarks: What the marker of the task says beside the time, the process and the digest of the block.
    """

    arrays: Mapping[str, Shaped[np.ndarray, "..."]]
    report: TaskReport
    remarks: Mapping[str, Any]
