"""The load generator as a command: print the summary as JSON, and exit 1 where a request failed."""

from __future__ import annotations

import argparse
import sys

from tests.harness.load.http import Get, Load, Post


def main(arguments: list[str]) -> int:
    program = "python -m tests.harness.load"
    parser = argparse.ArgumentParser(prog=program, description="Send open-loop load to a local address.")
    parser.add_argument("base", help="the address, for example http://127.0.0.1:8000")
    parser.add_argument("--rate", type=float, default=200.0, help="requests a second (200)")
    parser.add_argument("--seconds", type=float, default=10.0, help="how long (10)")
    parser.add_argument("--get", metavar="PATH", help="path of the GET requests")
    parser.add_argument("--post", metavar="PATH", help="path of the POST requests")
    parser.add_argument(
        "--body", default='{"id": "ID"}', help="body of the POST requests; ID stands for the request's id"
    )
    options = parser.parse_args(arguments)
    get, post = get_from(options.get), post_to(options.post, options.body)
    load = Load(options.base, rate=options.rate, seconds=options.seconds, get=get, post=post)
    load.start()
    try:
        summary = load.join()
    except KeyboardInterrupt:
        summary = load.stop()
    print(summary.as_json())
    return 1 if summary.failed else 0


def get_from(path: str | None) -> Get | None:
    return None if path is None else lambda _: path


def post_to(path: str | None, body: str) -> Post | None:
    return None if path is None else lambda name: (path, body.replace("ID", name).encode())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
