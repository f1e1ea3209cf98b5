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
# # Toys against asymptotics
#
# The formulas for CLs (arXiv:1007.1727) hold where there are many events. Pseudo-experiments, toys, tell how far they
# can be trusted: here for two signal points of the made-up search that comes with hfscale.

# %%
from pathlib import Path

import hfscale
from hfscale import pictures

search = Path("../pipelines/exclusion")
inputs = (search / "BkgOnly.json", search / "patchset.json")
points = ["gluino_2200_1", "gluino_2200_1000"]
session = hfscale.Session("local")

# %% [markdown]
# Two jobs in one session: the second waits for the first. Each toy is addressed by seed, point, hypothesis and
# number, so that more of them can be added later.

# %%
asymptotic = session.cls(*inputs, store="asymptotic.zarr", points=points)
toys = session.cls(*inputs, store="toys.zarr", points=points, calctype="toybased", ntoys=200, seed=1)
toys

# %%
formulas, thrown = await asymptotic, await toys
thrown

# %% [markdown]
# Toys come with 68.3 % intervals of the observed CLs.

# %%
columns = ["CLs_obs", "CLs_exp_0", "effective_events"]
compared = formulas.to_dataframe()[columns].join(
    thrown.to_dataframe()[["CLs_obs", "CLs_obs_low", "CLs_obs_high", "CLs_exp_0"]], rsuffix="_toys"
)
compared

# %% [markdown]
# The test statistic of the toys beside its asymptotic distribution:

# %%
pictures.toys(thrown, "gluino_2200_1").figure

# %% [markdown]
# Where that is not precise enough, the sequence goes on:

# %%
more = await session.toys("toys.zarr", 100)
more.to_dataframe()[["CLs_obs", "CLs_obs_low", "CLs_obs_high", "toys_sb", "toys_b"]]

# %%
session.close()
