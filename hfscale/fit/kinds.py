"""The kinds of devices, known without JAX."""

from typing import Literal

DeviceKind = Literal["cpu", "gpu"]
