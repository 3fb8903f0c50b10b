from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from facevlm.batch import Backend, Results, cluster
from facevlm.batch.cluster import Cluster
from facevlm.errors import ModelError, PrerequisiteError
from tests.batch.conftest import asking, written
from tests.batch.served import TalkingServer, talking

Requests = Callable[..., Path]


@pytest.fixture(scope="module")
def talker() -> Iterator[TalkingServer]:
    with talking() as server:
        yield server


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """A cluster of this machine alone, which runs share as they would a real one."""
    from ray.cluster_utils import Cluster as Machines

    size = {"num_cpus": 2, "object_store_memory": cluster.OBJECT_STORE, "include_dashboard": False}
    machines = Machines(initialize_head=True, head_node_args=size)
    yield machines.address
    machines.shutdown()


def answer(source: Path, out: Path, url: str, address: str) -> Results:
    results = Results(out)
    try:
        cluster.run(Cluster(address, workers=2), Backend("talker", base_url=url), source, results, lambda size: None)
    finally:
        results.close()
    return results


@pytest.mark.slow
def test_two_workers_answer_every_line_once_and_a_second_run_only_what_is_missing(
    requests: Requests, out: Path, talker: TalkingServer, address: str
) -> None:
    ids = [f"id{number}" for number in range(100)]
    source = requests(*map(asking, ids), "{broken")
    counts = answer(source, out, talker.url, address).counts
    assert (counts.answered, counts.at_fault, counts.exit_status) == (100, 1, 2)
    found = written(out)
    assert found["id7"]["response"]["body"]["choices"][0]["message"]["content"] == "id7"
    assert set(found) == {*ids, "line-101"}
    assert talker.asked == dict.fromkeys(ids, 1)

    kept = out.read_bytes().splitlines(keepends=True)[:40]
    out.write_bytes(b"".join(kept))
    counts = answer(source, out, talker.url, address).counts
    assert (counts.answered + counts.at_fault, counts.there) == (101, 40)
    assert set(written(out)) == {*ids, "line-101"}


def test_an_endpoint_that_is_not_there_is_told_before_a_cluster_is_asked_for(requests: Requests, out: Path) -> None:
    with pytest.raises(ModelError, match=r"127\.0\.0\.1:9/v1"):
        answer(requests(asking("a")), out, "http://127.0.0.1:9/v1", "127.0.0.1:9")
    assert written(out) == {}


@pytest.mark.slow
def test_a_cluster_is_started_here_where_none_is_named(requests: Requests, out: Path, talker: TalkingServer) -> None:
    assert answer(requests(asking("local")), out, talker.url, cluster.LOCAL).counts.answered == 1


def test_a_cluster_that_is_not_there_is_a_missing_prerequisite(requests: Requests, out: Path) -> None:
    results = Results(out)
    with pytest.raises(PrerequisiteError, match="no Ray cluster answers"):
        cluster.run(Cluster("127.0.0.1:9"), Backend(), requests(asking("a")), results, lambda size: None)
