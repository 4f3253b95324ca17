"""A registry with a login, on loopback inside a sandbox host."""

from __future__ import annotations

import contextlib
import itertools
import subprocess
from collections.abc import Iterator

from scripts import images
from tests.harness.site import Site

ADDRESS = "127.0.0.1:5000"
IMAGE = "registry:2"
USER = "deploy"
PASSWORDS = {
    "first": "$2b$04$Dxys.zJ.DUE2ik17T.o2YuT21Hlm4IHtWVfVmyuQJ1PgbXXOY/PCO",
    "second": "$2b$04$XNMFDpPUgdcpzNgNjA7v3.PX0QKfJ31YVXph/jDIOd8YA/rBS51PO",
}
"""A password to its hash."""
_NUMBERS = itertools.count(1)


class ImageRegistry:
    """The registry, and the images that a test publishes there."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.name = f"registry{next(_NUMBERS)}"

    def start(self) -> None:
        """Start it with the first password, and log the host's users in."""
        images.build([IMAGE])
        images.load(self.site.host.container, [IMAGE])
        self.accept("first")
        variables = {
            "REGISTRY_HTTP_ADDR": ADDRESS,
            "REGISTRY_AUTH": "htpasswd",
            "REGISTRY_AUTH_HTPASSWD_REALM": "test",
            "REGISTRY_AUTH_HTPASSWD_PATH": f"{self.folder}/htpasswd",
        }
        words = [word for key, value in variables.items() for word in ("--env", f"{key}={value}")]
        mount = f"{self.folder}:{self.folder}"
        self.site.docker("run", "-d", "--name", self.name, "--network", "host", "--volume", mount, *words, IMAGE)
        for user in ("root", USER):
            self.log_in(user, "first")

    @property
    def folder(self) -> str:
        return f"/srv/{self.name}"

    def accept(self, password: str) -> None:
        """Let it accept this password from now on, and no other."""
        line = f"{USER}:{PASSWORDS[password]}"
        self.site.run("sh", "-c", f"mkdir -p {self.folder} && echo '{line}' > {self.folder}/htpasswd")

    def log_in(self, user: str, password: str) -> None:
        """Log a user of the host in, as soon as the registry answers."""
        login = f"docker login --username {USER} --password {password} {ADDRESS}"
        self.site.run("su", user, "-c", f"for n in $(seq 50); do {login} && exit 0; sleep 0.1; done; exit 1")

    def publish(self, name: str, content: str) -> str:
        """Publish an image of Python whose file ``/content`` has this content, and return its name."""
        image = f"{ADDRESS}/{name}"
        dockerfile = f"FROM python:3.13-slim\\nRUN echo {content} > /content\\n"
        built = f"{self.name}-{content}"
        self.site.run("sh", "-c", f"printf '{dockerfile}' | docker build --quiet --tag {built} -")
        return self._push(built, image)

    def _push(self, built: str, image: str) -> str:
        """Push an image without moving the name that the host has for it."""
        container = self.site.host.container
        done = subprocess.run(
            ["docker", "exec", container, "docker", "image", "inspect", "--format", "{{.Id}}", image],
            capture_output=True,
            text=True,
            check=False,
        )
        self.site.docker("tag", built, image)
        self.site.docker("push", "--quiet", image)
        self.site.docker("image", "rm", image)
        if done.returncode == 0:
            self.site.docker("tag", done.stdout.strip(), image)
        return image

    def stop(self) -> None:
        self.site.docker("stop", "--time", "1", self.name)


@contextlib.contextmanager
def running_registry(site: Site) -> Iterator[ImageRegistry]:
    """Yield a registry on the site's host, and remove it at the end."""
    registry = ImageRegistry(site)
    try:
        registry.start()
        yield registry
    finally:
        site.run("sh", "-c", f"docker rm --force --volumes {registry.name}; rm -rf {registry.folder}")
