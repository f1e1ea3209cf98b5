"""What is asked of Ray where its GCS goes away, with made-up answers: nothing may be asked of one that is gone."""

import socket
from types import SimpleNamespace

import pytest

from hfscale.errors import InterruptedRunError
from tests.runtime.simulation import Clock

pytestmark = pytest.mark.ray


def test_a_gcs_that_comes_back_in_time_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    import ray

    from hfscale.runtime.executors.ray_nodes import ABSENT_SECONDS, Nodes

    here, lost = ({"NodeID": name, "Alive": name == "here", "Resources": {"CPU": 4.0}} for name in ("here", "lost"))
    asked = list[float]()
    clock, gcs = Clock(), socket.create_server(("127.0.0.1", 0))
    address = gcs.getsockname()
    context = SimpleNamespace(gcs_address=f"127.0.0.1:{address[1]}", get_node_id=lambda: "here")
    monkeypatch.setattr(ray, "get_runtime_context", lambda: context)
    monkeypatch.setattr(ray, "nodes", lambda: asked.append(clock.now) or [here, lost])
    nodes = Nodes(ABSENT_SECONDS, clock)
    assert nodes.alive() == [here]
    # Not at every look.
    clock.now += 0.5
    assert nodes.alive() == [here]
    assert len(asked) == 1
    gcs.close()
    clock.now += ABSENT_SECONDS - 1.0
    assert nodes.alive() == [here]
    assert len(asked) == 1
    gcs = socket.create_server(address)
    clock.now += 2.0
    assert nodes.alive() == [here]
    assert len(asked) == 2
    gcs.close()
    clock.now += ABSENT_SECONDS
    with pytest.raises(InterruptedRunError, match="Ray is gone: its GCS") as caught:
        nodes.alive()
    assert "run the same command again" in str(caught.value)
    assert nodes.lost
    assert len(asked) == 2
