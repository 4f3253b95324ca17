#!/usr/bin/env python3
"""Images without a registry: stand-ins built from Debian packages, under the names that people use.

scripts/images.py build [NAME ...]             pull where a registry answers, else build; nothing if all is there
scripts/images.py load CONTAINER [NAME ...]    copy them into a sandbox host's engine (any container's with --anyway)
scripts/images.py remove                       remove the stand-ins from this machine's engine
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import functools
import hashlib
import json
import os
import re
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from engine import SUITE, EngineMissing, debian_uri

BASE = "switchyard/base:trixie"
SANDBOX_HOST = "switchyard/sandbox-host:trixie"
STANDIN = "switchyard.standin"
RECIPE = "switchyard.recipe"
SANDBOX = "switchyard.sandbox"
REGISTRY = "https://registry-1.docker.io/v2/"
REGISTRY_SECONDS = 3.0
BUILD_SECONDS = 900.0
MACHINE_CA = Path("/etc/ssl/certs/ca-certificates.crt")
INSTALL = "apt-get update -qq && apt-get install -y -qq --no-install-recommends"
CLEAN = "rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/log/*.log /var/log/apt"

Say = Callable[[str], None]


class ImageError(Exception):
    """An image could neither be pulled nor built, or does not contain what its name says."""


@dataclass(frozen=True)
class Recipe:
    """How a stand-in is built, and how it proves the version in its name."""

    name: str
    dockerfile: str
    version_command: tuple[str, ...]
    version: str
    files: Mapping[str, str] = field(default_factory=dict)
    public: bool = True

    def digest(self) -> str:
        return hashlib.sha256(json.dumps([self.dockerfile, dict(self.files)]).encode()).hexdigest()[:16]


PYTHON = Recipe(
    name="python:3.13-slim",
    version_command=("python", "--version"),
    version=r"Python 3\.13\.",
    dockerfile=f"""
RUN {INSTALL} python3 python3-pip python3-venv ca-certificates \\
 && rm -f /usr/lib/python3*/EXTERNALLY-MANAGED && {CLEAN} \\
 && ln -s /usr/bin/python3 /usr/local/bin/python && ln -s /usr/bin/python3 /usr/local/bin/python3
COPY ca.crt /etc/ssl/switchyard-ca.crt
ENV LANG=C.UTF-8 PIP_CERT=/etc/ssl/switchyard-ca.crt SSL_CERT_FILE=/etc/ssl/switchyard-ca.crt \\
    REQUESTS_CA_BUNDLE=/etc/ssl/switchyard-ca.crt PIP_BREAK_SYSTEM_PACKAGES=1 PIP_ROOT_USER_ACTION=ignore \\
    PIP_DISABLE_PIP_VERSION_CHECK=1
CMD ["python3"]
""",
)

POSTGRES = Recipe(
    name="postgres:17",
    version_command=("postgres", "--version"),
    version=r"postgres \(PostgreSQL\) 17\.",
    dockerfile=f"""
RUN groupadd -r -g 999 postgres && useradd -r -u 999 -g postgres -d /var/lib/postgresql -s /bin/bash postgres \\
 && mkdir -p /etc/postgresql-common && echo 'create_main_cluster = false' > /etc/postgresql-common/createcluster.conf \\
 && {INSTALL} postgresql-17 && {CLEAN} \\
 && rm -f /usr/lib/*/libLLVM* /usr/lib/*/libz3.so* /usr/lib/postgresql/17/lib/llvmjit*.so \\
 && sed -ri "s/^#?(listen_addresses)\\s*=.*/\\1 = '*'/" /usr/share/postgresql/17/postgresql.conf.sample \\
 && mkdir -p /docker-entrypoint-initdb.d /var/lib/postgresql/data /run/postgresql \\
 && chown -R postgres:postgres /var/lib/postgresql /run/postgresql && chmod 3777 /run/postgresql \\
 && chmod 1777 /var/lib/postgresql/data
COPY --chmod=755 entrypoint /usr/local/bin/docker-entrypoint.sh
ENV PATH=/usr/lib/postgresql/17/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \\
    PGDATA=/var/lib/postgresql/data LANG=C.UTF-8 PG_MAJOR=17
VOLUME /var/lib/postgresql/data
ENTRYPOINT ["docker-entrypoint.sh"]
STOPSIGNAL SIGINT
EXPOSE 5432
CMD ["postgres"]
""",
    files={
        "entrypoint": """#!/bin/bash
# The official image's entrypoint in small: the same variables, folders, user and order.
set -Eeuo pipefail

from_file() {
    local file_name="${1}_FILE"
    if [ -n "${!1:-}" ] && [ -n "${!file_name:-}" ]; then
        echo "error: both $1 and $file_name are set" >&2
        exit 1
    fi
    if [ -n "${!file_name:-}" ]; then
        export "$1=$(<"${!file_name}")"
    fi
    unset "$file_name"
}

run_sql() {
    psql -v ON_ERROR_STOP=1 --no-psqlrc --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" "$@"
}

create_cluster() {
    if [ -z "${POSTGRES_PASSWORD:-}" ] && [ "${POSTGRES_HOST_AUTH_METHOD:-}" != trust ]; then
        echo 'error: database is uninitialized and superuser password is not specified: set POSTGRES_PASSWORD' >&2
        exit 1
    fi
    local args=()
    [ -z "${POSTGRES_INITDB_ARGS:-}" ] || read -ra args <<<"$POSTGRES_INITDB_ARGS"
    if [ -n "${POSTGRES_PASSWORD:-}" ]; then
        initdb --username="$POSTGRES_USER" --pwfile=<(printf '%s\\n' "$POSTGRES_PASSWORD") "${args[@]}"
    else
        initdb --username="$POSTGRES_USER" "${args[@]}"
    fi
    printf '\\nhost all all all %s\\n' "${POSTGRES_HOST_AUTH_METHOD:-scram-sha-256}" >>"$PGDATA/pg_hba.conf"
}

fill_cluster() {
    PGUSER="$POSTGRES_USER" pg_ctl -D "$PGDATA" -o "-c listen_addresses=''" -w start
    if [ "$POSTGRES_DB" != postgres ]; then
        POSTGRES_DB=postgres run_sql --set db="$POSTGRES_DB" <<<'CREATE DATABASE :"db";'
    fi
    local script
    for script in /docker-entrypoint-initdb.d/*; do
        case "$script" in
            *.sh) if [ -x "$script" ]; then "$script"; else . "$script"; fi ;;
            *.sql) echo "running $script"; run_sql -f "$script" ;;
            *.sql.gz) echo "running $script"; gunzip -c "$script" | run_sql ;;
        esac
    done
    PGUSER="$POSTGRES_USER" pg_ctl -D "$PGDATA" -m fast -w stop
}

if [ "${1:0:1}" = - ]; then
    set -- postgres "$@"
fi
if [ "$1" = postgres ]; then
    mkdir -p "$PGDATA"
    chmod 700 "$PGDATA" 2>/dev/null || true
    if [ "$(id -u)" = 0 ]; then
        find "$PGDATA" \\! -user postgres -exec chown postgres:postgres '{}' +
        exec setpriv --reuid=postgres --regid=postgres --init-groups "${BASH_SOURCE[0]}" "$@"
    fi
    from_file POSTGRES_PASSWORD
    from_file POSTGRES_USER
    from_file POSTGRES_DB
    export POSTGRES_USER="${POSTGRES_USER:-postgres}"
    export POSTGRES_DB="${POSTGRES_DB:-$POSTGRES_USER}"
    if [ ! -s "$PGDATA/PG_VERSION" ]; then
        create_cluster
        fill_cluster
        echo 'PostgreSQL init process complete; ready for start up.'
    fi
fi
exec "$@"
"""
    },
)

REDIS = Recipe(
    name="redis:8",
    version_command=("redis-server", "--version"),
    version=r"Redis server v=8\.",
    dockerfile=f"""
RUN groupadd -r -g 999 redis && useradd -r -u 999 -g redis -d /data -s /usr/sbin/nologin redis \\
 && {INSTALL} redis-server && {CLEAN} && mkdir -p /data && chown redis:redis /data
COPY --chmod=755 entrypoint /usr/local/bin/docker-entrypoint.sh
WORKDIR /data
VOLUME /data
ENTRYPOINT ["docker-entrypoint.sh"]
EXPOSE 6379
CMD ["redis-server"]
""",
    files={
        "entrypoint": """#!/bin/sh
# As the official image: options alone mean the server, which runs as its own user and answers other containers.
set -e
if [ "${1#-}" != "$1" ] || [ "${1%.conf}" != "$1" ]; then
    set -- redis-server "$@"
fi
if [ "$1" = redis-server ] && [ "$(id -u)" = 0 ]; then
    find . \\! -user redis -exec chown redis '{}' +
    exec setpriv --reuid=redis --regid=redis --clear-groups "$0" "$@"
fi
if [ "$1" = redis-server ] && ! echo "$*" | grep -q protected-mode \\
    && ! grep -qs '^protected-mode' "${2:-/nonexistent}"; then
    set -- "$@" --protected-mode no
fi
exec "$@"
"""
    },
)

HAPROXY = Recipe(
    name="haproxy:3.0",
    version_command=("haproxy", "-v"),
    version=r"HAProxy version 3\.0\.",
    dockerfile=f"""
RUN {INSTALL} haproxy && {CLEAN} && usermod -u 99 haproxy && groupmod -g 99 haproxy \\
 && mkdir -p /usr/local/etc/haproxy /var/lib/haproxy \\
 && chown haproxy:haproxy /var/lib/haproxy
USER haproxy
WORKDIR /var/lib/haproxy
STOPSIGNAL SIGUSR1
CMD ["haproxy", "-W", "-db", "-f", "/usr/local/etc/haproxy/haproxy.cfg"]
""",
)

HOST = Recipe(
    name=SANDBOX_HOST,
    public=False,
    version_command=("dockerd", "--version"),
    version=r"Docker version \d+\.",
    dockerfile=f"""
RUN {INSTALL} docker.io docker-cli docker-buildx docker-compose iptables nftables openssh-server git python3 \\
    ca-certificates procps iproute2 && {CLEAN} && rm -f /etc/ssh/ssh_host_* \\
 && useradd -m -u 1000 -s /bin/bash -G docker deploy && usermod -p '*' deploy \\
 && install -d -m 700 -o deploy -g deploy /home/deploy/.ssh && install -d -o deploy -g deploy /srv
COPY ca.crt /etc/ssl/certs/ca-certificates.crt
COPY sshd.conf /etc/ssh/sshd_config
COPY --chmod=755 entrypoint /usr/local/sbin/sandbox-host
STOPSIGNAL SIGTERM
CMD ["/usr/local/sbin/sandbox-host"]
""",
    files={
        "sshd.conf": """Port 22
HostKey /etc/ssh/ssh_host_ed25519_key
PermitRootLogin no
PasswordAuthentication no
KbdInteractiveAuthentication no
AllowUsers deploy
UsePAM no
UseDNS no
MaxStartups 100:30:200
MaxSessions 100
LogLevel VERBOSE
Subsystem sftp internal-sftp
""",
        "entrypoint": """#!/bin/bash
# One whole host: its engine and its sshd. SIGTERM is an orderly shutdown, `docker kill` a power cut.
set -u
# As on a machine, nothing under /run outlives a power cut: the engine would take its dead containers for existing ones.
mount -t tmpfs -o mode=755 tmpfs /run
mkdir -p /run/sshd
[ -s /etc/ssh/ssh_host_ed25519_key ] || ssh-keygen -q -t ed25519 -N '' -C "$(hostname)" -f /etc/ssh/ssh_host_ed25519_key
options=()
for server in ${SWITCHYARD_DNS:-}; do
    options+=(--dns "$server")
done
start_engine() {
    dockerd "${options[@]}" >>/var/log/dockerd.log 2>&1 &
    engine=$!
}
start_engine
/usr/sbin/sshd -D -E /var/log/sshd.log &
sshd=$!
shut_down() {
    kill "$sshd" 2>/dev/null
    kill "$engine" 2>/dev/null
    wait "$engine"
    exit 0
}
trap shut_down TERM INT
while wait -n "$engine" "$sshd"; kill -0 "$sshd" 2>/dev/null; do
    # As a service manager does: an engine that was killed comes back.
    sleep 1
    rm -f /run/docker.pid
    start_engine
done
shut_down
""",
    },
)

RECIPES = {recipe.name: recipe for recipe in (PYTHON, POSTGRES, REDIS, HAPROXY, HOST)}
STANDINS = tuple(recipe.name for recipe in RECIPES.values() if recipe.public)


def build(names: Iterable[str] = tuple(RECIPES), say: Say = print) -> None:
    """Have every image of ``names`` in this machine's engine: there already, pulled, or built."""
    wanted = [known(name) for name in names]
    if all(is_current(recipe) for recipe in wanted):
        return
    with one_at_a_time():
        fetch([recipe for recipe in wanted if not is_current(recipe)], say)


def fetch(missing: list[Recipe], say: Say) -> None:
    """Pull what can be pulled and build the rest."""
    to_build = [recipe for recipe in missing if not pulled(recipe, say)]
    if not to_build:
        return
    ensure_base(say)
    with ThreadPoolExecutor(max_workers=2) as pool:
        list(pool.map(lambda recipe: build_one(recipe, say), to_build))
    docker(["image", "prune", "--force", "--filter", f"label={STANDIN}=1"])


@contextlib.contextmanager
def one_at_a_time() -> Iterator[None]:
    """Wait for another run of this user's that builds; the lock goes with its process."""
    with open(Path(tempfile.gettempdir()) / f"switchyard-images-{os.getuid()}.lock", "a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def known(name: str) -> Recipe:
    if name not in RECIPES:
        raise ImageError(f"no recipe for {name}; there are {', '.join(RECIPES)}")
    return RECIPES[name]


def is_current(recipe: Recipe) -> bool:
    """Is the image there: a real one, or a stand-in built by today's recipe?"""
    labels = labels_of(recipe.name)
    if labels is None:
        return False
    return RECIPE not in labels or labels[RECIPE] == recipe.digest()


def labels_of(name: str) -> dict[str, str] | None:
    """The labels of an image in this machine's engine; None if it is not there."""
    done = docker(["image", "inspect", "--format", "{{json .Config.Labels}}", name])
    return None if done.returncode else json.loads(done.stdout) or {}


def pulled(recipe: Recipe, say: Say) -> bool:
    """Could the image be pulled?"""
    if not recipe.public or not registry_answers():
        return False
    say(f"pulling {recipe.name}")
    return docker(["pull", "--quiet", recipe.name], seconds=BUILD_SECONDS).returncode == 0


@functools.cache
def registry_answers() -> bool:
    """Does Docker Hub answer within three seconds? Asked once per run."""
    try:
        with urllib.request.urlopen(REGISTRY, timeout=REGISTRY_SECONDS) as answer:
            return bool(answer.status == 200)
    except urllib.error.HTTPError as error:
        return error.code == 401
    except (OSError, ValueError):
        return False


def ensure_base(say: Say) -> None:
    """Have a minimal Debian as the base of the stand-ins."""
    if labels_of(BASE) is not None:
        return
    if (
        registry_answers()
        and docker(["pull", "--quiet", f"debian:{SUITE}-slim"], seconds=BUILD_SECONDS).returncode == 0
    ):
        checked(docker(["tag", f"debian:{SUITE}-slim", BASE]), f"tagging {BASE}")
        return
    say(f"no registry answers: building {BASE} with debootstrap (usually 30 s)")
    with tempfile.TemporaryDirectory(prefix="switchyard-base-") as folder:
        bootstrap(Path(folder) / "root")


def bootstrap(root: Path) -> None:
    """debootstrap into ``root`` and import it, without what nobody reads in a container."""
    argv = ["debootstrap", "--variant=minbase", SUITE, str(root), debian_uri()]
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
    left_out = (
        "var/cache/apt/*",
        "var/lib/apt/lists/*",
        "usr/share/doc/*",
        "usr/share/man/*",
        "usr/share/locale/*",
        "dev/*",
    )
    excludes = [f"--exclude=./{pattern}" for pattern in left_out]
    change = [word for line in (f"LABEL {STANDIN}=1", 'CMD ["bash"]') for word in ("--change", line)]
    pipe(["tar", "-C", str(root), *excludes, "-c", "."], ["docker", "import", *change, "-", BASE])


def build_one(recipe: Recipe, say: Say) -> None:
    """Build one stand-in aside, have it prove its version, and only then give it its name."""
    say(f"building {recipe.name} from Debian packages")
    aside = f"switchyard/building:{recipe.digest()}"
    with tempfile.TemporaryDirectory(prefix="switchyard-image-") as folder:
        write_context(recipe, Path(folder))
        labels = ["--label", f"{STANDIN}=1", "--label", f"{RECIPE}={recipe.digest()}"]
        argv = ["build", "--progress=plain", "--tag", aside, *labels, folder]
        checked(docker(argv, seconds=BUILD_SECONDS), f"building {recipe.name}")
    try:
        prove(recipe, aside)
        checked(docker(["tag", aside, recipe.name]), f"tagging {recipe.name}")
    finally:
        docker(["image", "rm", aside])


def write_context(recipe: Recipe, folder: Path) -> None:
    (folder / "Dockerfile").write_text(f"FROM {BASE}\n{recipe.dockerfile.lstrip()}", encoding="utf-8")
    for name, text in recipe.files.items():
        (folder / name).write_text(text, encoding="utf-8")
    if "ca.crt" in recipe.dockerfile:
        (folder / "ca.crt").write_bytes(MACHINE_CA.read_bytes() if MACHINE_CA.is_file() else b"")


def prove(recipe: Recipe, image: str) -> None:
    """Refuse an image whose program does not say the version that its name promises."""
    program, *arguments = recipe.version_command
    done = docker(["run", "--rm", "--network=none", "--entrypoint", program, image, *arguments], seconds=60.0)
    if done.returncode or not re.match(recipe.version, done.stdout.strip()):
        said = (done.stdout or done.stderr).strip()[:200]
        raise ImageError(f"{recipe.name} would carry a version that it does not contain: {program} says {said!r}")


def load(container: str, names: Iterable[str] = STANDINS, *, anyway: bool = False) -> list[str]:
    """Copy the images that a sandbox host's engine lacks into it; returns their names."""
    if not anyway and not is_sandbox(container):
        raise ImageError(f"{container} is no sandbox host: stand-ins go into another engine only when asked (--anyway)")
    names = list(names)
    theirs = ids_of(names, ["docker", "exec", container, "docker"])
    ours = ids_of(names, ["docker"])
    lacking = [name for name in names if theirs.get(name) != ours.get(name)]
    if lacking:
        pipe(["docker", "save", *lacking], ["docker", "exec", "--interactive", container, "docker", "load", "--quiet"])
    return lacking


def is_sandbox(container: str) -> bool:
    done = docker(
        ["inspect", "--type", "container", "--format", f'{{{{index .Config.Labels "{SANDBOX}"}}}}', container]
    )
    return done.returncode == 0 and bool(done.stdout.strip())


def ids_of(names: list[str], client: list[str]) -> dict[str, str]:
    """Image ids by name in the engine that ``client`` speaks to; absent ones are left out."""
    done = run([*client, "image", "ls", "--no-trunc", "--format", "{{.Repository}}:{{.Tag}} {{.ID}}"])
    lines = (line.split() for line in checked(done, "listing images").splitlines() if line)
    return {name: identity for name, identity in lines if name in names}


def remove(names: Iterable[str] = (*RECIPES, BASE)) -> list[str]:
    """Remove stand-ins, never pulled images, and none that a container uses; returns what is gone."""
    gone = []
    for name in names:
        labels = labels_of(name)
        if labels is not None and STANDIN in labels and docker(["image", "rm", name]).returncode == 0:
            gone.append(name)
    return gone


def docker(argv: list[str], *, seconds: float = 60.0) -> subprocess.CompletedProcess[str]:
    return run(["docker", *argv], seconds=seconds)


def run(argv: list[str], *, seconds: float = 60.0) -> subprocess.CompletedProcess[str]:
    return subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=seconds, check=False)


def checked(done: subprocess.CompletedProcess[str], what: str) -> str:
    if done.returncode:
        raise ImageError(f"{what} failed with {done.returncode}:\n{(done.stdout + done.stderr)[-2000:]}")
    return done.stdout


def pipe(source: list[str], sink: list[str]) -> None:
    """``source | sink``; both have to end well."""
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
    asked = parser.parse_args()
    try:
        if asked.verb == "build":
            build(asked.names or tuple(RECIPES))
        elif asked.verb == "load":
            load(asked.container, asked.names or STANDINS, anyway=asked.anyway)
        else:
            print("\n".join(remove()))
    except (ImageError, EngineMissing, OSError, subprocess.TimeoutExpired) as error:
        print(f"images: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
