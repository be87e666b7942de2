"""A cluster of several nodes, all on this machine: joined by its address, one node killed in the middle."""

import importlib.util
import os
import sys
import time
from pathlib import Path

import pytest

from anchorfit.runs.ray_engine import ray_engines

needs_ray = pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="Ray is not installed")


class Where:
    """Notes down on which node a number was worked on, and from which folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(self, number: int) -> tuple[int, str, str]:
        import ray

        node = ray.get_runtime_context().get_node_id()
        (self.folder / f"{number}-{node}").touch()
        time.sleep(0.3)
        return number**2, node, os.getcwd()


@needs_ray
@pytest.mark.slow
@pytest.mark.parametrize("stage", ["detect", "fit"])
def test_a_cluster_of_two_nodes_of_which_one_goes(tmp_path, monkeypatch, stage):
    if "RAY_AUTH_MODE" not in os.environ:  # a Ray that was started before in this process has decided already
        monkeypatch.setenv("RAY_AUTH_MODE", "disabled")
    from ray import cloudpickle
    from ray.cluster_utils import Cluster

    cloudpickle.register_pickle_by_value(sys.modules[__name__])
    monkeypatch.chdir(tmp_path)
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    try:
        second = cluster.add_node(num_cpus=1)
        with ray_engines(cluster=cluster.address) as engines:
            results = []
            for result in getattr(engines, stage)(Where(tmp_path), list(range(24))):
                results.append(result)
                nodes = {path.name.partition("-")[2] for path in tmp_path.iterdir()}
                if len(nodes) == 2 and second is not None:
                    cluster.remove_node(second, allow_graceful=False)
                    second = None
        assert second is None, "the second node did nothing"
        assert [square for square, _, _ in results] == [number**2 for number in range(24)]
        assert {folder for _, _, folder in results} == {str(tmp_path)}
    finally:
        cluster.shutdown()


@needs_ray
def test_a_cluster_that_is_not_there_is_one_line():
    with (
        pytest.raises(OSError, match=r"^ray: cannot be started or reached .*RAY_AUTH_MODE=token$"),
        ray_engines(cluster="nowhere"),
    ):
        pass
