"""Kubernetes: manifests of all modes, made from the same site file, and kubectl, which looks after them.

``options`` is the part of a site file that is about Kubernetes, ``pods`` what all pods have in common, ``indexed_job``,
``dask_job`` and ``ray_job`` the resources of the three modes, ``states`` reads what became of them, and ``system``
calls kubectl.
"""
