"""An object store of the tests' own: moto's server for S3, on the loopback interface."""

import os
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from hfscale.store.objects import ObjectPlace

BUCKET = "results"


@contextmanager
def serving() -> Iterator[str]:
    """Start a server with one bucket, point the environment to it, and give the URL of the bucket."""
    pytest.importorskip("obstore", reason="needs the extra 'object-store'")
    moto = pytest.importorskip("moto.server", reason="needs moto[server]")
    server = moto.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    before = dict(os.environ)
    try:
        host, port = server.get_host_and_port()
        access = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_REGION": "us-east-1"}
        os.environ.update(access, AWS_ENDPOINT_URL=f"http://{host}:{port}", AWS_ALLOW_HTTP="true")
        bucket = urllib.request.Request(f"http://{host}:{port}/{BUCKET}", method="PUT")
        with urllib.request.urlopen(bucket):
            yield f"s3://{BUCKET}"
    finally:
        server.stop()
        os.environ.clear()
        os.environ.update(before)


def download(store: ObjectPlace, folder: Path) -> Path:
    """Copy a store into a new folder."""
    for name in store.files():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes((store / name).read_bytes())
    return folder
