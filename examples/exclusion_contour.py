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
# # An exclusion contour in five minutes
#
# The inputs are a workspace and a patchset, as HEPData publishes them: here those of the made-up search for gluinos
# that comes with hfscale, with 88 signal points. Files of your own, `ARCHIVE.tar.gz::MEMBER` and whole archives work
# as well.

# %%
from pathlib import Path

import hfscale

search = Path("../pipelines/exclusion")
workspace, patchset = search / "BkgOnly.json", search / "patchset.json"

# %% [markdown]
# A session runs campaigns in the background. The first seconds go into compiling the model, once for all signal
# points. `local` computes in a thread of this kernel; with `workers=4`, four processes share the points.

# %%
session = hfscale.Session("local")
job = session.cls(workspace, patchset, store="exclusion.zarr")
job

# %% [markdown]
# The cell above returned at once. `job.partial()` has what is there so far, also while the job runs. Here we wait:

# %%
results = await job
results

# %% [markdown]
# Observed and expected CLs, with the band from -2 to +2 standard deviations, as a data frame:

# %%
results.to_dataframe().filter(like="CLs_").head()

# %% [markdown]
# And the contour where CLs is 0.05. Axes are expressions of the patchset's labels, such as `m_gluino - m_lsp`.

# %%
figure = results.contour(x="m_gluino", y="m_lsp")
figure.savefig("exclusion.pdf")
figure

# %% [markdown]
# The same call again finds the store and computes nothing that is there already. That is also how a run goes on after
# it was interrupted.

# %%
session.cls(workspace, patchset, store="exclusion.zarr").result().status().finished

# %%
session.close()
