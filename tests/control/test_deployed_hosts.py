"""The host that a rollback without ``--host`` goes to."""

from __future__ import annotations

import pytest

from switchyard.control.deployed_hosts import last_host, remember_host

HOSTS = "hosts:\n" + "".join(
    f"  {name}:\n    machines: [{{name: {name}1, address: 192.0.2.1}}]\n" for name in ("prod", "stage")
)


def test_a_rollback_without_a_host_takes_that_of_the_only_deploy_and_lists_the_candidates_else(tmp_path):
    (tmp_path / "invoke.yaml").write_text(HOSTS)
    with pytest.raises(Exception, match=r"name a host with --host; candidates: prod, stage"):
        last_host(tmp_path)
    remember_host(tmp_path, "prod")
    assert last_host(tmp_path) == "prod"
    remember_host(tmp_path, "gone")
    assert last_host(tmp_path) == "prod", "a host that is no longer in the settings is no candidate"
    remember_host(tmp_path, "stage")
    with pytest.raises(Exception, match=r"candidates: prod, stage"):
        last_host(tmp_path)
