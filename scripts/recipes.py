"""How stand-in images are built from Debian packages, and how each proves the version in its name."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field

SANDBOX_HOST = "switchyard/sandbox-host:trixie"
INSTALL = "apt-get update -qq && apt-get install -y -qq --no-install-recommends"
CLEAN = "rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/log/*.log /var/log/apt"


@dataclass(frozen=True)
class Recipe:
    """A stand-in for one image."""

    name: str
    dockerfile: str
    """What follows ``FROM``."""
    version_command: tuple[str, ...]
    version: str
    """A regular expression for what ``version_command`` prints."""
    files: Mapping[str, str] = field(default_factory=dict)
    """Files of the build context by their names."""
    public: bool = True
    """Whether a registry has an image of this name."""

    def digest(self) -> str:
        """Return a digest that changes with every file."""
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
# A small version of the official image's entrypoint, with the same variables, folders, user and order.
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
# Like the official image: options alone start the server, which runs as its own user and answers other containers.
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

REGISTRY = Recipe(
    name="registry:2",
    version_command=("registry", "--version"),
    version=r".*registry.* v?2\.",
    dockerfile=f"""
RUN {INSTALL} docker-registry && {CLEAN} && ln -s /usr/bin/docker-registry /usr/local/bin/registry
COPY config.yml /etc/docker/registry/config.yml
EXPOSE 5000
ENTRYPOINT ["registry", "serve"]
CMD ["/etc/docker/registry/config.yml"]
""",
    files={
        "config.yml": """version: 0.1
storage: {filesystem: {rootdirectory: /var/lib/registry}, delete: {enabled: true}}
http: {addr: ":5000"}
"""
    },
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
# A whole host: its engine and its sshd. SIGTERM is an orderly shutdown, `docker kill` a power cut.
set -u
# As on a machine, /run is empty after a power cut: the engine would take files there for running containers.
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
    # Like a service manager, start a killed engine again.
    sleep 1
    rm -f /run/docker.pid
    start_engine
done
shut_down
""",
    },
)

LOADED = (PYTHON, POSTGRES, REDIS, HAPROXY)
"""What every sandbox host gets."""
RECIPES = {recipe.name: recipe for recipe in (*LOADED, REGISTRY, HOST)}
STANDINS = tuple(recipe.name for recipe in LOADED)
