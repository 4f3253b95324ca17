"""Neighbours: no compose file reaches the host, another application, or the other colour by its name or the edge."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest

from switchyard.core import edge, edge_clients, host_reach
from switchyard.core.app import App, Route
from switchyard.core.edge import ColourRoutes, Place
from switchyard.core.edge_clients import Subnet
from switchyard.core.errors import BadInput
from switchyard.core.held_routes import held_for
from switchyard.core.split import meeting_names
from switchyard.core.wire.message import Json
from switchyard.core.wire.request import Waiver
from switchyard.host import reach
from switchyard.host.adapters.container import Container
from switchyard.host.adapters.layout import Layout
from switchyard.host.reach import reaching
from tests.harness.attack import Attack, promises
from tests.harness.release_record import RECORD, unsent_pack
from tests.harness.shop_documents import split_web

Keys = Mapping[str, Json]


class Host:
    """A host with the application ``shop``, another beside it, a third elsewhere, and the home of another user."""

    def __init__(self, folder: Path) -> None:
        self.home, self.apps = folder / "home" / "me", folder / "home" / "me" / "apps"
        self.third = folder / "srv" / "third"
        for root in (self.apps / "shop", self.apps / "other", self.third):
            for name in ("releases/R1/files", "data/up", "edge/cfg"):
                (root / name).mkdir(parents=True)
            (root / "layout").write_text("1\n")
        for name in ("home/other", "engine/volumes", "srv/shared", "etc"):
            (folder / name).mkdir(parents=True, exist_ok=True)
        (self.home / ".ssh").mkdir()
        self.folder = folder

    def paths(self, text: str) -> str:
        """Return a text with the folders of this host in it."""
        names = {"HOME": self.home, "ROOT": self.apps / "shop", "APPS": self.apps, "THIRD": self.third}
        for name, path in names.items():
            text = text.replace(f"<{name}>", str(path))
        return text.replace("<HOST>", str(self.folder))

    def refusals(self, service: Keys, top: Keys, build: Keys, *waivers: Waiver) -> list[str]:
        """Return why a release with one service is refused."""
        document: Keys = {"services": {"web": service}, **top}
        builds: Keys = {"services": {"web": {"build": build}}, **top} if build else {}
        pack = replace(unsent_pack(RECORD), colours={"blue": document, "green": document}, build=builds)
        other = Container.decode(
            {
                "Id": "e",
                "Labels": {"switchyard.app": "third", "switchyard.kind": "edge"},
                "Mounts": [{"Type": "bind", "Source": f"{self.third}/edge/cfg"}],
            }
        )
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(reach.engine, "containers", lambda *labels: [other])
            patch.setattr(reach.engine, "own_paths", lambda: (f"{self.folder}/engine", "/run/docker.sock"))
            patch.setattr(reach.pwd, "getpwuid", lambda uid: type("User", (), {"pw_dir": str(self.home)}))
            patch.setattr(host_reach, "STATE", (f"{self.folder}/srv", "/srv"))
            return list(reaching(Layout(self.apps / "shop"), "shop", pack, waivers))


def _bind(source: str, **more: Json) -> Keys:
    return {"volumes": [{"type": "bind", "source": source, "target": "/x", **more}]}


def _log(driver: str, option: str, value: str) -> Keys:
    return {"driver": driver, "options": {option: value}}


def _mapped(host: Host, value: Json) -> Json:
    if isinstance(value, str):
        return host.paths(value)
    if isinstance(value, Mapping):
        return {key: _mapped(host, item) for key, item in value.items()}
    return [_mapped(host, item) for item in value] if isinstance(value, (list, tuple)) else value


def _leave(host: Host) -> None:
    """Prepare nothing."""


def _judged(folder: Path, service: Keys, *parts: Keys, prepare: Callable[[Host], None] = _leave) -> list[str]:
    host = Host(folder)
    prepare(host)
    top, build = (*parts, {}, {})[:2]
    values = [_mapped(host, value) for value in (service, top, build)]
    return host.refusals(*values)  # type: ignore[arg-type]


def _ignore_paths(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host_reach, "_judge_path", lambda *_, **__: ("", ""))


def _ignore_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("reached_by_keys", "reached_by_build"):
        monkeypatch.setattr(reach, name, lambda service: ())


def _path(
    name: str, evil: tuple[Keys, ...], harmless: tuple[Keys, ...], prepare: Callable[[Host], None] = _leave
) -> Attack:
    """Return an attack by a path of the host."""
    return Attack(
        f"path: {name}",
        lambda folder: not _judged(folder, *evil, prepare=prepare),
        lambda folder: _judged(folder, *harmless, prepare=prepare) == [],
        _ignore_paths,
    )


def _key(name: str, evil: tuple[Keys, ...], harmless: tuple[Keys, ...]) -> Attack:
    """Return an attack by a key of a service, or of its build."""
    return Attack(
        f"key: {name}",
        lambda folder: not _judged(folder, *evil),
        lambda folder: _judged(folder, *harmless) == [],
        _ignore_keys,
    )


def _link(where: str, target: str) -> Callable[[Host], None]:
    def prepare(host: Host) -> None:
        Path(host.paths(where)).symlink_to(host.paths(target))

    return prepare


FILES = "<ROOT>/releases/R1/files"
MINE = (_bind("<ROOT>/data/up"),)
SECRET = {"secrets": [{"source": "s"}]}


def _file(path: str) -> tuple[Keys, Keys]:
    return SECRET, {"secrets": {"s": {"file": path}}}


PATHS: list[tuple[str, tuple[Keys, ...], tuple[Keys, ...]]] = [
    ("the engine's socket", (_bind("/run/docker.sock"),), (_bind("/srv/run/web.sock"),)),
    ("the engine's socket, read-only", (_bind("/run/docker.sock", read_only=True),), MINE),
    ("another engine's socket below a home", (_bind("<HOME>/run/podman.sock"),), (_bind("<HOME>/run/web.sock"),)),
    ("the engine's volumes", (_bind("<HOST>/engine/volumes"),), (_bind("<HOST>/srv/volumes"),)),
    ("a folder that contains the engine's", (_bind("<HOST>"),), (_bind("<HOST>/srv/x"),)),
    ("all of the host", (_bind("/"),), MINE),
    ("all of the host, spelled otherwise", (_bind("/srv/../"),), MINE),
    ("a system folder", (_bind("/etc"),), (_bind("/srv/etc"),)),
    (
        "a file of the system, read-only",
        (_bind("/etc/shadow", read_only=True),),
        (_bind("/etc/timezone", read_only=True),),
    ),
    ("the host's processes", (_bind("/proc"),), MINE),
    ("the host's kernel settings", (_bind("/sys/fs/cgroup"),), MINE),
    ("the host's devices", (_bind("/dev"),), MINE),
    ("the host's logs", (_bind("/var/log"),), (_bind("<ROOT>/data/log"),)),
    ("the jobs of cron", (_bind("/etc/cron.d"),), MINE),
    ("the system's clock, to write", (_bind("/usr/share/zoneinfo"),), (_bind("/usr/share/zoneinfo", read_only=True),)),
    ("a temporary folder of everybody", (_bind("/tmp"),), MINE),
    ("the home of another user", (_bind("<HOST>/home/other"),), (_bind("<HOME>/state"),)),
    ("all homes", (_bind("<HOST>/home"),), (_bind("<HOME>/state"),)),
    ("the keys of the user who deploys", (_bind("<HOME>/.ssh"),), (_bind("<HOME>/ssh"),)),
    ("the home of the user who deploys", (_bind("<HOME>"),), (_bind("<HOME>/x"),)),
    ("data of an application beside it", (_bind("<APPS>/other/data/up"),), MINE),
    ("all applications", (_bind("<APPS>"),), MINE),
    ("data of an application elsewhere", (_bind("<THIRD>/data"),), (_bind("<HOST>/srv/shared"),)),
    ("a folder that contains another application", (_bind("<HOST>/srv/third/.."),), (_bind("<HOST>/srv/shared"),)),
    ("a path through its own data to another", (_bind("<ROOT>/data/../../other/releases"),), MINE),
    ("its own allowances", (_bind("<ROOT>/allow.json"),), MINE),
    ("the host program", (_bind("<ROOT>/bin"),), MINE),
    ("the env of a release", (_bind("<ROOT>/releases/R1/env"),), (_bind("<ROOT>/releases/R1/files/x"),)),
    ("all of its own root", (_bind("<ROOT>"),), MINE),
    ("the edge's configuration", (_bind("<ROOT>/edge/cfg"),), (_bind("<ROOT>/shared/files/x"),)),
    ("a secret from a file of the system", _file("/etc/shadow"), _file("<ROOT>/data/up")),
    ("a secret from another application's env", _file("<APPS>/other/releases/R1/env"), _file("/srv/s")),
    ("a build of a system folder", ({}, {}, {"context": "/etc"}), ({}, {}, {"context": "<ROOT>/releases/R1/files/x"})),
    (
        "a build with a further folder of the host",
        ({}, {}, {"context": "<ROOT>/releases/R1/files", "additional_contexts": {"x": "/root"}}),
        ({}, {}, {"context": "https://x.test/a.git", "additional_contexts": {"x": "docker-image://y"}}),
    ),
    (
        "a Dockerfile of the host",
        ({}, {}, {"context": "<ROOT>/releases/R1/files", "dockerfile": "../../../../other/env"}),
        ({}, {}, {"context": "<ROOT>/releases/R1/files", "dockerfile": "a/Dockerfile"}),
    ),
]
PRIVATE = ("network_mode", "pid", "ipc", "uts", "userns_mode", "cgroup")
KEYS: list[tuple[str, Keys, Keys]] = [
    ("all privileges", {"privileged": True}, {"privileged": False}),
    ("every capability", {"cap_add": ["ALL"]}, {"cap_add": ["CHOWN"], "cap_drop": ["ALL"]}),
    ("a capability", {"cap_add": ["SYS_ADMIN"]}, {"cap_add": ["NET_BIND_SERVICE"]}),
    ("a capability, spelled otherwise", {"cap_add": ["cap_sys_ptrace"]}, {"cap_add": ["cap_setuid"]}),
    ("a device", {"devices": ["/dev/sda:/dev/sda"]}, {"devices": []}),
    ("rules of devices", {"device_cgroup_rules": ["a *:* rwm"]}, {}),
    (
        "a device of a reservation",
        {"deploy": {"resources": {"reservations": {"devices": [{"driver": "cdi", "device_ids": ["x/y=all"]}]}}}},
        {"deploy": {"resources": {"reservations": {"devices": [{"capabilities": ["gpu"], "count": 1}]}}}},
    ),
    (
        "no filter of system calls",
        {"security_opt": ["seccomp:unconfined"]},
        {"security_opt": ["no-new-privileges:true"]},
    ),
    ("no profile", {"security_opt": ["apparmor=unconfined"]}, {"security_opt": ["apparmor=docker-default"]}),
    ("no label", {"security_opt": ["label:disable"]}, {}),
    *((f"the host's {key}", {key: "host"}, {key: ""}) for key in PRIVATE),
    ("another container's processes", {"pid": "container:other"}, {}),
    ("a group of the host", {"cgroup_parent": "/system.slice"}, {}),
    *(
        (f"the host's {name} as a log", {"logging": evil}, {"logging": {"driver": "syslog", "options": honest}})
        for name, evil, honest in (
            ("socket", _log("syslog", "syslog-address", "unix:///run/docker.sock"), {"syslog-address": "tcp://x:514"}),
            ("datagrams", _log("syslog", "syslog-address", "UnixGram:///run/x"), {"syslog-address": "udp://x:514"}),
            ("fluentd", _log("fluentd", "fluentd-address", "unix:///run/x.sock"), {"tag": "unit"}),
            ("files", _log("splunk", "splunk-capath", "/etc/shadow"), {"tag": "a/b"}),
            ("plugin", {"driver": "evil/log:1"}, {}),
        )
    ),
    ("a life before its neighbours'", {"oom_score_adj": "-900"}, {"oom_score_adj": "500"}),
    ("a life without an end", {"oom_kill_disable": True}, {"oom_kill_disable": False}),
    (
        "an image of another application as files",
        {"volumes": [{"type": "image", "source": "switchyard/other/web:R1", "target": "/x"}]},
        {"volumes": [{"type": "tmpfs", "target": "/x"}]},
    ),
    ("another runtime", {"runtime": "own"}, {"runtime": "runc"}),
    ("the engine by a key of its own", {"use_api_socket": True}, {}),
    (
        "a hook with all privileges",
        {"post_start": [{"command": ["x"], "privileged": True}]},
        {"post_start": [{"command": ["x"]}]},
    ),
    (
        "mounts that reach the host",
        _bind("/srv/x", bind={"propagation": "rshared"}),
        _bind("/srv/x", bind={}),
    ),
]
URL: Keys = {"context": "https://x.test/a.git"}
BUILDS: dict[str, Keys] = {
    "a build on the host's network": {"network": "host"},
    "a build with rights": {"entitlements": ["security.insecure"]},
    "a build with all privileges": {"privileged": True},
}


def _waiver(name: str, *waivers: Waiver) -> Attack:
    """Return an attack by a waiver that is for something else."""

    def refused(folder: Path, *waivers: Waiver) -> list[str]:
        return Host(folder).refusals(_bind("/etc/ppp"), {}, {}, *waivers)

    return Attack(
        f"waiver: {name}",
        lambda folder: not refused(folder, *waivers),
        lambda folder: refused(folder, Waiver("host-path", "web:/etc/ppp")) == [],
        lambda monkeypatch: monkeypatch.setattr(host_reach.Reach, "is_waived", lambda self, waivers: True),
    )


def _build_secret(place: str) -> tuple[Keys, Keys, Keys]:
    return {}, {"secrets": {"s": {"file": place}}}, {**URL, **SECRET}


def _split_with(name: str, service: Keys) -> bool:
    """Return whether an application is split that has a routed service ``web`` and this one beside it."""
    try:
        split_web({}, {name: {"image": "x", **service}}, kinds={name: "routed" if "ports" in service else "plain"})
    except BadInput:
        return False
    return True


def _ignore_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(meeting_names, "_names_of_the_edge", lambda inputs: ())


def _name(how: str, evil: tuple[str, Keys], harmless: tuple[str, Keys]) -> Attack:
    """Return an attack by a name under which the edge asks for a service of the other colour."""
    return Attack(
        f"name: {how}",
        lambda folder: _split_with(*evil),
        lambda folder: _split_with(*harmless),
        _ignore_names,
    )


def _alias(name: str) -> Keys:
    return {"networks": {"default": {"aliases": [name]}}}


OTHER = "web.green.shop.switchyard"
NAMES: list[tuple[str, tuple[str, Keys], tuple[str, Keys]]] = [
    ("a service", (OTHER, {}), ("web.green.shop", {})),
    ("a service, as older edges ask", ("web-green", {}), ("web-red", {})),
    ("a service in upper case", (OTHER.upper(), {}), ("WEB.GREEN", {})),
    ("an alias", ("x", _alias(OTHER)), ("x", _alias("web.green.example"))),
    ("an alias in upper case", ("x", _alias("Web.Green.Shop.Switchyard")), ("x", _alias("Web.Green"))),
    ("an alias with a last dot", ("x", _alias(f"{OTHER}.")), ("x", _alias("web.green.example."))),
    ("an alias of another application", ("x", _alias("web.blue.other.switchyard")), ("x", _alias("web.blue.other"))),
    ("a hostname", ("x", {"hostname": OTHER}), ("x", {"hostname": "web.green.example"})),
    ("a hostname, as older edges ask", ("x", {"hostname": "web-green"}), ("x", {"hostname": "web-2"})),
    ("a container's name", ("x", {"container_name": OTHER}), ("x", {"container_name": "web.green"})),
    (
        "a routed service that differs in upper case",
        ("WEB", {"ports": [{"target": 80, "published": "8081"}]}),
        ("WEB2", {"ports": [{"target": 80, "published": "8081"}]}),
    ),
    ("the edge's hostname", ("x", {"hostname": "edge"}), ("x", {"hostname": "edges"})),
]

SUBNETS = [
    Subnet("172.18.0.0/16", "172.18.0.1"),
    Subnet("fd00:1::/64", "fd00:1::1"),
    Subnet("172.19.0.0/16", "172.19.0.1"),
    Subnet("10.7.0.0/24"),
]
"""The ranges of both colours' networks."""
WEB = Route("web", 8000, 8080)


def _frontend(preview: bool) -> list[str]:
    """Return the lines of an address, or of its preview in green."""
    colours = dict.fromkeys(("blue", "green"), ColourRoutes(App("shop"), ((WEB,),)))
    text = edge.configuration(held_for((WEB,), 1), colours, Place(True, SUBNETS))
    return text.partition("frontend preview_0.0.0.0:8080_green" if preview else "frontend ")[2].splitlines()


def _admitted(source: str, *, preview: bool, left: int = 1) -> bool:
    """Return whether a frontend admits a connection as HAProxy reads its rules. ``left``: seconds of its previews."""
    acls: dict[str, bool] = {"left": left > 0}
    for words in map(str.split, _frontend(preview)):
        if words[:1] == ["acl"] and words[2] == "src":
            acls[words[1]] = any(ip_address(source) in ip_network(each) for each in words[3:])
        elif words[:4] == ["tcp-request", "connection", "reject", "if"]:
            if all(acls[name.strip("!")] is not name.startswith("!") for name in words[4:]):
                return False
        elif words[:4] == ["tcp-request", "connection", "reject", "unless"] and not acls["left"]:
            return False
        elif words[:1] == ["frontend"]:
            break
    return True


def _source(name: str, address: str, honest: str, *, preview: bool = False) -> Attack:
    """Return an attack by a container that connects to the edge's own address."""
    return Attack(
        f"reach: {name}",
        lambda folder: _admitted(address, preview=preview),
        lambda folder: _admitted(honest, preview=preview),
        lambda monkeypatch: monkeypatch.setattr(edge_clients, "neighbours", lambda subnets: []),
    )


def _closed(name: str, source: str) -> Attack:
    """Return an attack on a preview that nobody holds open."""
    return Attack(
        f"preview: {name}",
        lambda folder: _admitted(source, preview=True, left=0),
        lambda folder: _admitted(source, preview=True, left=1),
        lambda monkeypatch: monkeypatch.setattr(edge, "_open_rules", lambda each, colour: []),
    )


ATTACKS = [
    _source("a container of blue", "172.18.0.5", "172.18.0.1"),
    _source("a container of green", "172.19.255.254", "172.19.0.1"),
    _source("a container of blue by IPv6", "fd00:1::5", "fd00:1::1"),
    _source("a container of a network without a gateway", "10.7.0.1", "10.7.1.1"),
    _source("a container of blue, at a preview", "172.18.0.5", "172.18.0.1", preview=True),
    _source("a container of green, at a preview", "172.19.0.5", "172.19.0.1", preview=True),
    _source("the first address of a network", "172.18.0.0", "172.17.255.255"),
    _closed("another user of the host", "172.18.0.1"),
    _closed("a machine behind the loopback", "192.0.2.7"),
    *(_name(*each) for each in NAMES),
    *(_path(*each) for each in PATHS),
    _path("a link of its data", (_bind("<ROOT>/data/link"),), MINE, _link("<ROOT>/data/link", "<APPS>/other")),
    _path(
        "a link of its release",
        (_bind("<ROOT>/releases/R1/files/l"),),
        MINE,
        _link("<ROOT>/releases/R1/files/l", "/etc"),
    ),
    _path("a link among shared folders", (_bind("<HOST>/srv/l/x"),), MINE, _link("<HOST>/srv/l", "/var/lib")),
    *(
        _path(f"a secret of a build from {place}", _build_secret(place), _build_secret(honest))
        for place, honest in (
            ("<HOME>/.ssh/id", "<HOST>/srv/shared/token"),
            ("/etc/shadow", "<ROOT>/releases/R1/secrets/0"),
            ("<APPS>/other/data/up/key", "<ROOT>/releases/R1/files/token"),
        )
    ),
    *(_key(name, (evil,), (harmless,)) for name, evil, harmless in KEYS),
    *(_key(name, ({}, {}, {**URL, **evil}), ({}, {}, URL)) for name, evil in BUILDS.items()),
    _waiver("of another rule", Waiver("device", "web:/etc/ppp")),
    _waiver("of another service", Waiver("host-path", "api:/etc/ppp")),
    _waiver("of a path above", Waiver("host-path", "web:/etc")),
]

test_refused, test_twin, test_defence = promises(ATTACKS)
