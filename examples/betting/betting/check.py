"""The health check inside a container: of the API by its answer, of the worker by its heartbeat."""

import socket
import sys
import urllib.request

import psycopg

from betting import PORT

FRESH = "SELECT 1 FROM heartbeats WHERE container = %s AND at > clock_timestamp() - interval '3 seconds' LIMIT 1"


def main() -> None:
    if sys.argv[1:] == ["worker"]:
        with psycopg.connect() as db:
            if db.execute(FRESH, (socket.gethostname(),)).fetchone() is None:
                sys.exit("no heartbeat of this container in the last 3 seconds")
    else:
        urllib.request.urlopen(f"http://127.0.0.1:{PORT}/health", timeout=3)


if __name__ == "__main__":
    main()
