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
# # A signal of one's own, from a CSV
#
# A published search says what the data mean for any model whose yields in its regions are known. Those come from a
# table with one row per signal point, channel and bin; nobody has to write JSON patches. The yields of this one are
# invented.

# %%
import pandas

import hfscale

table = pandas.read_csv("squark_yields.csv")
table.head()

# %% [markdown]
# `channel`, `bin` and `yield` must be there. `stat` is the statistical uncertainty of the yield. What ends in `_up`
# and `_down` are factors of systematic uncertainties; `FT_EFF_B` is correlated with the background's uncertainty of
# that name, `scale` is the signal's own. The other columns, here the masses, are the labels of the signal points.

# %%
workspace = "../pipelines/exclusion/BkgOnly.json"
lumi = {"name": "lumi", "type": "lumi", "data": None}
patchset = hfscale.patchset_from_table(workspace, table, sample="squark", modifiers=[lumi])
patchset["patches"][0]["patch"][0]["value"]

# %% [markdown]
# The result is a patchset as pyhf's schema has it, for `hfscale.cls`, a JSON file, or pyhf. Mistakes, such as a
# channel that the search does not have, are named with their row:

# %%
try:
    hfscale.patchset_from_table(workspace, table.replace({"channel": {"SRlow_meff": "SRlow"}}))
except hfscale.HfscaleError as error:
    message = str(error)
message

# %%
results = hfscale.cls(workspace, patchset, store="squarks.zarr", executor="local")
results

# %%
results.contour(x="m_squark", y="m_lsp")
