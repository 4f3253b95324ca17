"""A real edge on this machine's engine, with an application in each colour that answers as its requests say."""

from __future__ import annotations

import contextlib
import os
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from switchyard.core import edge, edge_counts, edge_script, names
from switchyard.core.app import App, Route
from switchyard.core.edge import ColourRoutes, Place
from switchyard.core.held_routes import held_for
from switchyard.host.adapters.layout import Layout
from switchyard.host.adapters.proxy import Proxy

APPLICATION = Path(__file__).with_name("answering_application.py")
PORT = 8000
"""The port of the application inside its container."""
RELEASES = {"blue": "20260101T000000Z-aaaaaaa", "green": "20260102T000000Z-bbbbbbb"}


class EdgeContainer:
    """The edge of an application whose colours are one container each, on a network of its own."""

    secret = "5ecret"
    """What probes carry."""

    def __init__(
        self, folder: Path, routes: Sequence[Route], *, checked: Sequence[Route] | None = None, counts: bool = True
    ) -> None:
        """Take the routes, and those whose application answers: all unless told otherwise."""
        self.name = f"switchyard-edge-{os.getpid()}-{folder.name[-20:]}".lower().replace("_", "-")
        self.layout = Layout(folder)
        self.routes = routes
        self.proxy = Proxy(self.layout)
        self.checked = routes if checked is None else checked
        self.counts = counts

    def start(self) -> None:
        """Start everything, and lead to blue once the edge sees both colours up."""
        docker("network", "create", self.name)
        for colour in names.COLOURS:
            aliases = [f"--network-alias={names.former_alias(route.service, colour)}" for route in self.routes]
            mount = f"--volume={APPLICATION}:/application.py:ro"
            command = ("python:3.13-slim", "python3", "/application.py", str(PORT))
            docker("run", "-d", f"--name={self.name}-{colour}", f"--network={self.name}", *aliases, mount, *command)
        self._write()
        home = self.layout.edge
        mounts = [f"--volume={home / each}:{edge.HOME}/{each}" for each in ("cfg", "maps", "run")]
        words = (f"--network={self.name}", f"--user={os.getuid()}:{os.getgid()}", *mounts, edge.IMAGE)
        haproxy = ("haproxy", "-W", "-db", "-f", f"{edge.HOME}/cfg/haproxy.cfg")
        docker("run", "-d", f"--name={self.name}", *words, *haproxy)
        self._await_servers()

    def _await_servers(self) -> None:
        self.proxy.wait(edge.backends(self._colours()))
        backends = [edge.backend_name(route, colour) for route in self.checked for colour in names.COLOURS]
        wait_for(lambda: all(map(self.proxy.servers_up, backends)), "the edge sees the application up")

    def _write(self) -> None:
        home = self.layout.edge
        for each in ("cfg", "maps", "run"):
            (home / each).mkdir(parents=True, exist_ok=True)
        texts = {
            "cfg/haproxy.cfg": self.configuration(),
            "cfg/counts.lua": edge_script.script(edge.HOME),
            "cfg/buckets.map": edge_counts.buckets_map(),
            "maps/live.map": edge.live_map("blue"),
            "maps/releases.map": edge.releases_map(RELEASES),
            "maps/drain.map": "",
            "maps/previews.map": edge.previews_map(dict.fromkeys(names.COLOURS, 1 << 32)),
            "maps/probes.map": edge_counts.probes_map(self.secret),
        }
        for name, text in texts.items():
            (home / name).write_text(text)

    def configuration(self) -> str:
        """Return HAProxy's configuration; without ``counts``, the same without the lines that count."""
        text = edge.configuration(held_for(self.routes, 1), self._colours(), Place(asks_nobody=False))
        if self.counts:
            return text
        counting = ("track-sc", "sc-inc-gpc", "set-var", "counts.lua", edge_counts.PROBE_HEADER)
        return "\n".join(line for line in text.splitlines() if not any(word in line for word in counting)) + "\n"

    def _colours(self) -> Mapping[str, ColourRoutes]:
        return dict.fromkeys(names.COLOURS, ColourRoutes(App("shop"), tuple((route,) for route in self.routes)))

    def address(self, index: int = 0) -> tuple[str, int]:
        """Return where this machine reaches a route."""
        form = "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}"
        return docker("inspect", "--format", form, self.name).strip(), edge.inner_port(index)

    def preview(self, index: int, colour: str) -> tuple[str, int]:
        """Return where this machine reaches the preview of a route."""
        return self.address()[0], edge.preview_inner_port(index, colour)

    def reload(self) -> None:
        """Replace the process that answers, as a deploy does."""
        process = self.proxy.process()
        state = self.proxy.say("show servers state")
        docker("exec", self.name, "sh", "-c", f'printf "%s\n" "$1" > {edge.STATE}', "sh", state)
        docker("kill", "--signal", "USR2", self.name)
        self.proxy.wait(edge.backends(self._colours()), after=process)

    def restart(self) -> None:
        """Restart the container, as a reboot does."""
        docker("restart", "--time", "0", self.name)
        self._await_servers()

    def processes(self) -> int:
        """Count the processes of HAProxy, the master among them."""
        return len(docker("top", self.name, "-o", "pid").split()) - 1

    def remove(self) -> None:
        """Remove what was started."""
        containers = [self.name, *(f"{self.name}-{colour}" for colour in names.COLOURS)]
        subprocess.run(["docker", "rm", "--force", "--volumes", *containers], capture_output=True)
        subprocess.run(["docker", "network", "rm", self.name], capture_output=True)


@contextlib.contextmanager
def edge_container(
    folder: Path, routes: Sequence[Route], *, checked: Sequence[Route] | None = None, counts: bool = True
) -> Iterator[EdgeContainer]:
    """Yield a running edge, and remove it at the end."""
    edge_of = EdgeContainer(folder, routes, checked=checked, counts=counts)
    try:
        edge_of.start()
        yield edge_of
    finally:
        edge_of.remove()


def docker(*words: str) -> str:
    """Run a command of this machine's engine."""
    done = subprocess.run(["docker", *words], capture_output=True, text=True)
    assert done.returncode == 0, f"docker {' '.join(words)}: {done.stderr}"
    return done.stdout


def wait_for(condition: Callable[[], bool], what: str, within: float = 15.0) -> None:
    """Wait until a condition holds."""
    deadline = time.monotonic() + within
    while not condition():
        assert time.monotonic() < deadline, f"not within {within:g} s: {what}"
        time.sleep(0.05)
