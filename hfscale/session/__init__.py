"""Campaigns in the background of a notebook: a `Session` owns the workers, and each campaign is a `Job` of it.

``lane`` is the thread that jobs run in, ``monitor`` carries what it knows to other threads, ``panel`` shows it in a
notebook, and ``attached`` is a store that another process wrote or writes.
"""

from hfscale.session.attached import Attached
from hfscale.session.job import Job, JobStatus
from hfscale.session.session import Session

__all__ = ["Attached", "Job", "JobStatus", "Session"]
