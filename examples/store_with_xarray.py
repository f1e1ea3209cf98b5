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
# # A store, with nothing but xarray
#
# Results lie in a zarr store that any program can open. This one has the upper limits of ten signal points; only this
# cell needs hfscale.

# %%
import hfscale

search = "../pipelines/exclusion"
hfscale.limit(
    f"{search}/BkgOnly.json",
    f"{search}/patchset.json",
    store="limits.zarr",
    points=["gluino_2200_*"],
    executor="local",
)

# %%
import xarray

limits = xarray.open_zarr("limits.zarr").load()
limits

# %% [markdown]
# Signal points are the first dimension of everything, with their names and labels as coordinates. Statuses say what
# was not run (0) or failed (3): no number stands for that.

# %%
ok = limits.where(limits.status == 1, drop=True)
ok[["upper_limit_obs", "upper_limit_exp"]].to_dataframe().unstack("nsigma").head()

# %%
nearest = ok.isel(point=int(abs(ok.upper_limit_obs - 1.0).argmin()))
str(nearest.name.values), float(nearest.m_lsp), float(nearest.upper_limit_obs)

# %% [markdown]
# Best fits are there as well, by the names of parameters:

# %%
limits.parameters_free.sel(parameter=["mu_ttbar", "mu_Zjets"]).to_pandas()

# %% [markdown]
# And what the numbers were made from, in the attributes:

# %%
limits.attrs["settings"]["calculation"], limits.attrs["provenance"]["versions"]["hfscale"]
