"""HistFactory as arrays and pure JAX functions.

``structure`` is what a program is compiled for, ``numbers`` are its arguments; ``build`` makes both from patched
workspaces, ``likelihood`` evaluates expected rates, the likelihood, its gradient and its exact Hessian.
"""
