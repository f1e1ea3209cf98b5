"""From files to checked signal points: workspaces, patchsets, archives, digests, pyhf's schema.

``load_inputs`` reads and checks what the user named, ``patched_workspace`` makes the workspace of one signal point,
``check_points`` and ``find_problems`` check all of them before anything is computed.
"""

from hfscale.workspace.inputs import Inputs, SignalPoint
from hfscale.workspace.loading import load_inputs
from hfscale.workspace.patches import patched_workspace
from hfscale.workspace.validation import check_points, find_problems

__all__ = ["Inputs", "SignalPoint", "check_points", "find_problems", "load_inputs", "patched_workspace"]
