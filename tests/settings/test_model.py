"""The shapes that settings must have."""

from __future__ import annotations

import pytest

from switchyard.core.app import Limits
from switchyard.core.errors import BadInput
from switchyard.settings import load
from tests.harness.settings import HOSTS, error, prod

MACHINES = "hosts: {prod: {machines: [{name: a, address: b}]"
CRITICAL = "app.predeploy.database.critical"


@pytest.mark.parametrize(
    "text,words",
    [
        ("app:\n  drain: soon\n", "invoke.yaml:2: app.drain: Input should be a valid integer"),
        (
            "app:\n  kinds:\n    web: routed\n    job: once\n",
            "invoke.yaml:4: app.kinds.job: expected one of routed, plain",
        ),
        ("app: [1]\n", "invoke.yaml:1: app: "),
        ("- app\n", "invoke.yaml: the settings must be a mapping"),
    ],
)
def test_a_value_of_the_wrong_type_is_told_with_its_line(tmp_path, text, words):
    assert words in error(tmp_path, text)


@pytest.mark.parametrize(
    "text,words",
    [
        ("app: {volumes: {pg: {extrnal: old}}}", "app.volumes.pg.extrnal: unknown key; did you mean external?"),
        ("app: {drain: true}", "app.drain: Input should be a valid integer"),
        ("app: {drain: -1}", "app.drain: Input should be greater than or equal to 0"),
        ("app: {healthy_within: 0}", "app.healthy_within: Input should be greater than or equal to 1"),
        (
            "app: {routes: [{service: a, port: 70000}]}",
            "app.routes.0.port: Input should be less than or equal to 65535",
        ),
        (
            "app: {routes: [{service: a, port: 1, listen: abc}]}",
            "app.routes.0.listen: expected a port of the host",
        ),
        (
            "app: {routes: [{service: a, port: 1, listen: 0}]}",
            "app.routes.0.listen: expected a port of the host",
        ),
        (
            "app: {routes: [{service: a, port: 1, listen: 'name:80'}]}",
            "app.routes.0.listen: expected a port of the host",
        ),
        (
            "app: {routes: [{service: a, port: 1, host: Shop.example}]}",
            "app.routes.0.host: expected a name in lower case",
        ),
        ("app: {routes: [{service: a, port: 1, host: 'a.example:80'}]}", "app.routes.0.host: expected a name"),
        ("app: {routes: [{service: a, port: 1, host: 'a.*.example'}]}", "app.routes.0.host: expected a name"),
        ("app: {routes: [{service: a, port: 1, host: bücher.example}]}", "app.routes.0.host: expected a name"),
        ("app: {routes: [{service: a, port: 1, path: api}]}", "app.routes.0.path: expected a path such as /api"),
        ("app: {routes: [{service: a, port: 1, path: /a//b}]}", "app.routes.0.path: expected a path such as /api"),
        ("app: {routes: [{service: a, port: 1, path: /a/../b}]}", "app.routes.0.path: expected a path such as /api"),
        ("app: {routes: [{service: a, port: 1, path: '/a?x'}]}", "app.routes.0.path: expected a path such as /api"),
        ("app: {routes: [{service: a, port: 1, mode: tcp, host: a.example}]}", "app.routes.0: mode: tcp is passed on"),
        (
            "app: {routes: [{service: a, port: 1, listen: 8, path: /x/}, {service: b, port: 2, listen: 8, path: /x}]}",
            "app.routes: entries 1 and 2 are one route, 8 /x.",
        ),
        *(
            (f"app: {{predeploy: {{database: {{critical: {{q: {within}}}}}}}}}", f"{CRITICAL}.q.within: {words}")
            for within, words in ((0, "Input should be greater than 0"), (".inf", "Input should be a finite number"))
        ),
        *(
            (f"app: {{limits: {{{name}: {value}}}}}", f"app.limits.{name}: {words}")
            for name, value, words in (
                ("headers_within", 0, "Input should be greater than or equal to 1"),
                ("headers_within", "30s", "Input should be a valid integer"),
                ("body_within", 3601, "Input should be less than or equal to 3600"),
                ("header_bytes", 61441, "Input should be less than or equal to 61440"),
                ("body_bytes", "true", "Input should be a valid integer"),
                ("source_requests", -1, "Input should be greater than or equal to 0"),
                ("source_requets", 5, "unknown key; did you mean source_requests?"),
            )
        ),
        *(
            (
                f"{MACHINES}, trusted_proxies: [{network}]}}}}",
                f"hosts.prod.trusted_proxies.0: expected a network{words}",
            )
            for network, words in (
                ("10.0.0.1/8", " such as 10.0.0.0/8"),
                ("name", ""),
                ("10", ""),
                ('"10.0.0.0/8 #"', ""),
            )
        ),
        (f"{MACHINES}, trusted_proxies: ['::/0']}}}}", "hosts.prod.trusted_proxies.0: ::/0 is every address"),
        (f"{MACHINES}, trusted_proxies: 10.0.0.0/8}}}}", "hosts.prod.trusted_proxies: Input should be a valid list"),
        (
            f"{MACHINES}, proxy_protocol: [443]}}}}",
            "hosts.prod: proxy_protocol: name the networks of those who speak it",
        ),
        (
            f"{MACHINES}, proxy_protocol: [x], trusted_proxies: [10.0.0.0/8]}}}}",
            "hosts.prod.proxy_protocol.0: expected a port of the host",
        ),
        (f"{MACHINES}, real_addresses: yes please}}}}", "hosts.prod.real_addresses: Input should be a valid boolean"),
        ("app: {release_header: 1}", "app.release_header: Input should be a valid boolean"),
        ("hosts: {prod: {machines: [{name: a, address: b, port: 0}]}}", "hosts.prod.machines.0.port: Input should be"),
        (
            "hosts: {prod: {machines: [{name: a, address: b}], env: {files: [a], command: [b]}}}",
            "hosts.prod.env: give exactly one of files, command and host: true",
        ),
        (
            "hosts: {prod: {machines: [{name: a, address: b}], env: {}}}",
            "hosts.prod.env: give exactly one of files, command and host: true",
        ),
    ],
)
def test_a_setting_of_the_wrong_shape_is_named(tmp_path, text, words):
    (tmp_path / "invoke.yaml").write_text(text)
    with pytest.raises(BadInput) as caught:
        load.load(tmp_path)
    assert f"invoke.yaml:1: {words}" in str(caught.value)


def test_the_number_of_a_parameter_is_its_name(tmp_path):
    text = "{q: {within: 0.5, params: {1: nba, 2: 7}}, r: {within: 1, params: [nba, 7]}, s: 2}"
    (tmp_path / "invoke.yaml").write_text(f"{HOSTS}app: {{predeploy: {{database: {{critical: {text}}}}}}}")
    predeploy = load.host(tmp_path, "prod").app_setting.predeploy
    assert predeploy is not None and predeploy.database is not None
    assert {name: each.params for name, each in predeploy.database.critical.items()} == {
        "q": {"1": "nba", "2": 7},
        "r": {"1": "nba", "2": 7},
        "s": {},
    }


def test_a_host_s_entry_says_who_may_speak_for_clients_and_an_application_does_not(tmp_path):
    entry = "    trusted_proxies: [192.0.2.7, 'FD00::/8']\n    proxy_protocol: [443]\n    real_addresses: true\n"
    host = prod(tmp_path, f"{HOSTS}{entry}app: {{name: shop, limits: {{body_within: 5}}}}\n")
    app = load.application(host, "app: {limits: {body_within: 9, source_requests: 7}}", ".")
    assert (app.trusted_proxies, app.proxy_protocol) == (("192.0.2.7/32", "fd00::/8"), ("443",))
    assert app.real_addresses and app.limits == Limits(body_within=5), "a mapping of the checkout wins, whole"
    for key in ("trusted_proxies: [10.0.0.0/8]", "proxy_protocol: [443]", "real_addresses: true"):
        with pytest.raises(BadInput, match="unknown key"):
            load.application(host, f"app: {{{key}}}", ".")
    plain = prod(tmp_path, f"{HOSTS}app: {{name: shop}}\n")
    of_commit = f"hosts:\n  prod:\n    machines: [{{name: a, address: b}}]\n{entry}"
    assert load.application(plain, of_commit, ".") == load.application(plain, None, "."), (
        "a commit's hosts count nothing"
    )
