"""``inv edge.certificates``: what it reads here, before any machine is asked."""

from __future__ import annotations

from switchyard.verbs import edge_certificates as module
from tests.harness.certificates import authority
from tests.harness.command_line import checkout, inv


def test_without_certificates_in_the_settings_it_names_the_setting(tmp_path):
    done = inv(checkout(tmp_path), "edge.certificates", "--host", "prod")
    assert done.returncode == 2 and "hosts.prod.certificates names none" in done.stderr, done.stderr


def test_each_machine_is_sent_what_the_settings_name(tmp_path, monkeypatch):
    folder = checkout(tmp_path)
    machines = "machines: [{name: a, address: 192.0.2.1}]"
    files = authority().lay(folder, "shop.example")
    entry = f"certificates: {{shop.example: {{certificate: {files['certificate']}, key: {files['key']}}}}}"
    (folder / "invoke.yaml").write_text(f"hosts: {{prod: {{{machines}, {entry}}}}}\n")
    acts = []
    monkeypatch.setattr(module, "act_on_host", lambda *words: acts.append(words) or 0)
    assert module.edge_certificates(folder, "prod") == 0
    ((_, host, _, sent),) = acts
    assert host == "prod" and b"shop.example" in sent and b"PRIVATE KEY" in sent
