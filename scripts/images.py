#!/usr/bin/env python3
"""Images without a registry: stand-ins built from Debian packages, under the names that people use.

scripts/images.py build [NAME ...]             pull where a registry answers, else build what is missing or outdated
scripts/images.py load CONTAINER [NAME ...]    copy them into a sandbox host's engine (any container's with --anyway)
scripts/images.py remove                       remove the stand-ins from this machine's engine
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import functools
import json
import os
import re
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from scripts.engine import KEYRING, SUITE, EngineMissing, debian_uri
from scripts.recipes import RECIPES, STANDINS, Recipe

BASE = "switchyard/base:trixie"
"""What the stand-ins are built from."""
STANDIN = "switchyard.standin"
RECIPE = "switchyard.recipe"
SANDBOX = "switchyard.sandbox"
REGISTRY = "https://registry-1.docker.io/v2/"
REGISTRY_SECONDS = 3.0
BUILD_SECONDS = 900.0
COMMAND_SECONDS = 60.0
MACHINE_CA = Path("/etc/ssl/certs/ca-certificates.crt")
NOT_IMPORTED = (
    "var/cache/apt/*",
    "var/lib/apt/lists/*",
    "usr/share/doc/*",
    "usr/share/man/*",
    "usr/share/locale/*",
    "dev/*",
)
"""Paths of a Debian system that no container needs."""

Say = Callable[[str], None]


class ImageError(Exception):
    """An image can neither be pulled nor built, or does not contain what its name says."""


def build(names: Iterable[str] = tuple(RECIPES), say: Say = print) -> None:
    """Leave every image of ``names`` in this machine's engine: kept where it is current, else pulled or built."""
    recipes = [find_recipe(name) for name in names]
    if all(is_current(recipe) for recipe in recipes):
        return
    with one_build_at_a_time():
        pull_or_build([recipe for recipe in recipes if not is_current(recipe)], say)


def pull_or_build(recipes: list[Recipe], say: Say) -> None:
    to_build = [recipe for recipe in recipes if not pull(recipe, say)]
    if not to_build:
        return
    ensure_base(say)
    with ThreadPoolExecutor(max_workers=2) as pool:
        list(pool.map(lambda recipe: build_one(recipe, say), to_build))
    docker(["image", "prune", "--force", "--filter", f"label={STANDIN}=1"])


@contextlib.contextmanager
def one_build_at_a_time() -> Iterator[None]:
    """Wait while another process of this user builds. The lock goes with its process."""
    place = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "switchyard" / "images.lock"
    place.parent.mkdir(parents=True, exist_ok=True)
    with place.open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def find_recipe(name: str) -> Recipe:
    """Return the recipe of an image. Raise ``ImageError`` with the known names for any other."""
    if name not in RECIPES:
        raise ImageError(f"no recipe for {name}; the images with one are {', '.join(RECIPES)}")
    return RECIPES[name]


def is_current(recipe: Recipe) -> bool:
    """Return whether the image is here: a real one, or a stand-in of this very recipe."""
    labels = labels_of(recipe.name)
    if labels is None:
        return False
    return RECIPE not in labels or labels[RECIPE] == recipe.digest()


def labels_of(name: str) -> dict[str, str] | None:
    """Return the labels of an image in this machine's engine; None where it has no such image."""
    done = docker(["image", "inspect", "--format", "{{json .Config.Labels}}", name])
    if done.returncode:
        return None
    labels: dict[str, str] | None = json.loads(done.stdout)
    return labels or {}


def pull(recipe: Recipe, say: Say) -> bool:
    """Pull an image where a registry answers, and return whether it is here."""
    if not recipe.public or not registry_answers():
        return False
    if docker(["pull", "--quiet", recipe.name], seconds=BUILD_SECONDS).returncode:
        return False
    say(f"pulled {digest_of(recipe.name)}")
    return True


def digest_of(name: str) -> str:
    """Return a pulled image with its digest: what later runs use, wherever its tag moves."""
    listed = docker(["image", "inspect", "--format", "{{json .RepoDigests}}", name])
    return next(iter(json.loads(checked(listed, f"looking at {name}")) or ()), name)


@functools.cache
def registry_answers() -> bool:
    """Return whether Docker Hub answers within three seconds. One run asks once."""
    try:
        with urllib.request.urlopen(REGISTRY, timeout=REGISTRY_SECONDS) as answer:
            return bool(answer.status == 200)
    except urllib.error.HTTPError as error:
        return error.code == 401
    except (OSError, ValueError):
        return False


def ensure_base(say: Say) -> None:
    """Leave a minimal Debian in this machine's engine: kept, pulled or built."""
    if labels_of(BASE) is not None:
        return
    debian = f"debian:{SUITE}-slim"
    if registry_answers() and docker(["pull", "--quiet", debian], seconds=BUILD_SECONDS).returncode == 0:
        checked(docker(["tag", debian, BASE]), f"tagging {BASE}")
        return
    say(f"no registry answers: building {BASE} with debootstrap (usually 30 s)")
    with tempfile.TemporaryDirectory(prefix="switchyard-base-") as folder:
        bootstrap(Path(folder) / "root")


def bootstrap(root: Path) -> None:
    """Run debootstrap, on an archive that Debian signed, into ``root`` and import the result as ``BASE``."""
    signed = [f"--keyring={KEYRING}", "--force-check-gpg"]
    argv = ["debootstrap", *signed, "--variant=minbase", SUITE, str(root), debian_uri()]
    checked(run(argv, seconds=BUILD_SECONDS), "debootstrap")
    slim = "\n".join(f"path-exclude /usr/share/{name}/*" for name in ("doc", "man", "info", "locale", "lintian"))
    (root / "etc/dpkg/dpkg.cfg.d/slim").write_text(f"{slim}\n", encoding="utf-8")
    (root / "etc/apt/apt.conf.d/slim").write_text(
        'APT::Install-Recommends "false";\nAcquire::Languages "none";\nDir::Cache::pkgcache "";\n'
        'Dir::Cache::srcpkgcache "";\nDPkg::Post-Invoke { "rm -f /var/cache/apt/archives/*.deb || true"; };\n',
        encoding="utf-8",
    )
    policy = root / "usr/sbin/policy-rc.d"
    policy.write_text("#!/bin/sh\nexit 101\n", encoding="utf-8")
    policy.chmod(0o755)
    excludes = [f"--exclude=./{pattern}" for pattern in NOT_IMPORTED]
    change = [word for line in (f"LABEL {STANDIN}=1", 'CMD ["bash"]') for word in ("--change", line)]
    pipe(["tar", "-C", str(root), *excludes, "-c", "."], ["docker", "import", *change, "-", BASE])


def build_one(recipe: Recipe, say: Say) -> None:
    """Build a stand-in under another name, let it prove its version, and only then give it its name."""
    say(f"building {recipe.name} from Debian packages")
    unproven = f"switchyard/building:{recipe.digest()}"
    with tempfile.TemporaryDirectory(prefix="switchyard-image-") as folder:
        write_context(recipe, Path(folder))
        labels = ["--label", f"{STANDIN}=1", "--label", f"{RECIPE}={recipe.digest()}"]
        argv = ["build", "--progress=plain", "--tag", unproven, *labels, folder]
        checked(docker(argv, seconds=BUILD_SECONDS), f"building {recipe.name}")
    try:
        prove(recipe, unproven)
        checked(docker(["tag", unproven, recipe.name]), f"tagging {recipe.name}")
    finally:
        docker(["image", "rm", unproven])


def write_context(recipe: Recipe, folder: Path) -> None:
    """Write the files of a build context."""
    (folder / "Dockerfile").write_text(f"FROM {BASE}\n{recipe.dockerfile.lstrip()}", encoding="utf-8")
    for name, text in recipe.files.items():
        (folder / name).write_text(text, encoding="utf-8")
    if "ca.crt" in recipe.dockerfile:
        (folder / "ca.crt").write_bytes(MACHINE_CA.read_bytes() if MACHINE_CA.is_file() else b"")


def prove(recipe: Recipe, image: str) -> None:
    """Raise ``ImageError`` unless the image's program prints the version that the image's name promises."""
    program, *arguments = recipe.version_command
    done = docker(["run", "--rm", "--network=none", "--entrypoint", program, image, *arguments])
    if done.returncode or not re.match(recipe.version, done.stdout.strip()):
        output = (done.stdout or done.stderr).strip()[:200]
        raise ImageError(f"{recipe.name} would carry a version that it does not contain: {program} prints {output!r}")


def load(container: str, names: Iterable[str] = STANDINS, *, anyway: bool = False) -> list[str]:
    """Copy the images that a sandbox host's engine lacks into it, and return their names."""
    if not anyway and not is_sandbox(container):
        raise ImageError(
            f"{container} is no sandbox host, and stand-ins do not go into another engine by themselves; "
            "to load them there all the same, add --anyway"
        )
    names = list(names)
    theirs = ids_of(names, ["docker", "exec", container, "docker"])
    ours = ids_of(names, ["docker"])
    lacking = [name for name in names if theirs.get(name) != ours.get(name)]
    if lacking:
        pipe(["docker", "save", *lacking], ["docker", "exec", "--interactive", container, "docker", "load", "--quiet"])
    return lacking


def is_sandbox(container: str) -> bool:
    label = f'{{{{index .Config.Labels "{SANDBOX}"}}}}'
    done = docker(["inspect", "--type", "container", "--format", label, container])
    return done.returncode == 0 and bool(done.stdout.strip())


def ids_of(names: list[str], client: list[str]) -> dict[str, str]:
    """Return the ids of images by name in the engine that ``client`` talks to, without those that it lacks."""
    done = run([*client, "image", "ls", "--no-trunc", "--format", "{{.Repository}}:{{.Tag}} {{.ID}}"])
    images = (line.split() for line in checked(done, "listing images").splitlines() if line)
    return {name: identity for name, identity in images if name in names}


def remove(names: Iterable[str] = (*RECIPES, BASE)) -> list[str]:
    """Remove stand-ins, and return their names. Pulled images stay, and so does an image that a container uses."""
    removed = []
    for name in names:
        labels = labels_of(name)
        if labels is not None and STANDIN in labels and docker(["image", "rm", name]).returncode == 0:
            removed.append(name)
    return removed


def docker(argv: list[str], *, seconds: float = COMMAND_SECONDS) -> subprocess.CompletedProcess[str]:
    return run(["docker", *argv], seconds=seconds)


def run(argv: list[str], *, seconds: float = COMMAND_SECONDS) -> subprocess.CompletedProcess[str]:
    return subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=seconds, check=False)


def checked(done: subprocess.CompletedProcess[str], action: str) -> str:
    """Return what a command printed. Raise ``ImageError`` where it failed."""
    if done.returncode:
        raise ImageError(f"{action} failed with {done.returncode}:\n{(done.stdout + done.stderr)[-2000:]}")
    return done.stdout


def pipe(source: list[str], sink: list[str]) -> None:
    """Run ``source | sink``. Raise ``ImageError`` where one of them fails."""
    with subprocess.Popen(source, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL) as writer:
        reader = subprocess.run(
            sink, stdin=writer.stdout, capture_output=True, text=True, timeout=BUILD_SECONDS, check=False
        )
    if writer.returncode:
        raise ImageError(f"{' '.join(source[:2])} failed with {writer.returncode}")
    checked(reader, " ".join(sink[:4]))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    verbs = parser.add_subparsers(dest="verb", required=True)
    verbs.add_parser("build").add_argument("names", nargs="*")
    loader = verbs.add_parser("load")
    loader.add_argument("container")
    loader.add_argument("names", nargs="*")
    loader.add_argument("--anyway", action="store_true")
    verbs.add_parser("remove")
    options = parser.parse_args()
    try:
        if options.verb == "build":
            build(options.names or tuple(RECIPES))
        elif options.verb == "load":
            load(options.container, options.names or STANDINS, anyway=options.anyway)
        else:
            print("\n".join(remove()))
    except (ImageError, EngineMissing, OSError, subprocess.TimeoutExpired) as error:
        print(f"images: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
