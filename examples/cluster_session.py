# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # A session on a cluster, with workers that come later
#
# `hfscale.Session` takes a Dask client, any Dask cluster object (`SLURMCluster`, `HTCondorCluster`,
# `GatewayCluster`), or the address of a scheduler, `tls://HOST:PORT`. It uses the cluster and never closes it. Here
# it is one of two processes on this machine, with encrypted connections that only this notebook has the keys of.

# %%
from pathlib import Path

from distributed import LocalCluster
from distributed.security import Security

import hfscale

cluster = LocalCluster(
    n_workers=1,
    threads_per_worker=1,
    security=Security.temporary(),
    protocol="tls://",
    dashboard_address="127.0.0.1:0",
    worker_dashboard_address="127.0.0.1:0",
)
session = hfscale.Session(cluster)
session

# %% [markdown]
# The job returns at once, and shows itself: bar, rate, failures, and the link to the dashboard of Dask.

# %%
search = Path("../pipelines/exclusion")
job = session.cls(
    search / "BkgOnly.json",
    search / "patchset.json",
    store="cluster.zarr",
    points=["gluino_2*"],
    task_points=3,
)
job

# %% [markdown]
# Workers that are added while it runs are used at once, and those that are lost are missed by nobody.

# %%
cluster.scale(2)

# %% [markdown]
# The kernel is free meanwhile. This waits, without blocking it, for the first results, and draws them.

# %%
import asyncio

while not job.done() and (job.status().progress is None or job.status().progress.done < 9):
    await asyncio.sleep(0.1)
job.partial()

# %%
results = await job
results.contour(x="m_gluino", y="m_lsp")

# %% [markdown]
# What each worker did, from the journals of the store:

# %%
results.activity().workers

# %% [markdown]
# When a notebook is closed, its store stays. Any session finds it, says whether somebody still runs on it, and
# continues it where something is left.

# %%
found = session.attach("cluster.zarr")
found

# %%
found.resume().result()

# %%
session.close()
cluster.close()
