"""The part of a site file that is about Kubernetes."""

from pydantic import Field

from hfscale.plan.settings import Settings


class KubernetesOptions(Settings):
    """What pods need, and kubectl's own configuration does not say: context and namespace are those of kubectl.

    Attributes:
        claim: PersistentVolumeClaim that holds the store; None where the store is in an object store.
        mount: Where pods see its files.
        local: Where this machine sees the same files; None where that is the same path.
        secrets: Secrets whose entries become environment variables of all pods, such as the keys of an object store.
        dask_tls: Secret with ``ca.crt``, ``tls.crt`` and ``tls.key``, for the mode ``dask``.
        service_account: Service account of the pods, None for the namespace's default; its token is not mounted.
        node_selector: Labels that nodes must have.
        priority_class: Priority class of the pods.
        user: Number of the user and the group that pods run as; 0 is refused.
        retries: How many times a job of the array that failed is started again; disruptions do not count.
        ray_version: Version of Ray in the image, for the mode ``ray``.
    """

    claim: str | None = None
    mount: str = "/data"
    local: str | None = None
    secrets: tuple[str, ...] = ()
    dask_tls: str = "hfscale-dask-tls"
    service_account: str | None = None
    node_selector: dict[str, str] = Field(default_factory=dict)
    priority_class: str | None = None
    user: int = Field(default=1000, ge=1)
    retries: int = Field(default=6, ge=0)
    ray_version: str = "2.60.0"
