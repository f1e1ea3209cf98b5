"""The likelihood of one workspace as an object: evaluate it, fit it, hand it to iminuit.

``build`` lays a workspace out as arrays, ``vectors`` knows pyhf's order of parameters and data, ``programs`` evaluates
batches with compiled functions, ``minimum`` fits, ``fit`` is its result with the covariance, ``cost`` the function as
iminuit wants it, and ``likelihood`` brings them together.
"""

from hfscale.likelihood.cost import CostFunction
from hfscale.likelihood.fit import Fit
from hfscale.likelihood.likelihood import Likelihood

__all__ = ["CostFunction", "Fit", "Likelihood"]
