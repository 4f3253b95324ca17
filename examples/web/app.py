"""The smallest application: it answers with its version, and breaks in the way that ``BREAK`` chooses."""

import os
import signal
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

VERSION = Path("VERSION").read_text().strip()
BREAK = os.environ.get("BREAK", "none")


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 75

    def parse_request(self):
        """Count the request, whose first line has arrived."""
        self.counted = True
        self.server.count(+1)
        return super().parse_request()

    def handle_one_request(self):
        self.counted = False
        try:
            super().handle_one_request()
        finally:
            if self.counted:
                self.server.count(-1)

    def do_GET(self):
        parts = urlsplit(self.path)
        if parts.path == "/health":
            self.answer(500 if BREAK == "health" else 200, "ok\n")
        elif parts.path == "/slow":
            time.sleep(min(30.0, float(parse_qs(parts.query).get("s", ["1"])[0])))
            self.answer(200, VERSION)
        else:
            self.answer(500 if BREAK == "pages" else 200, VERSION)

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.answer(200, body.decode())

    def answer(self, status, text):
        data = text.encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *args):
        pass


class Server(ThreadingHTTPServer):
    """A server that counts its open requests: at its end it waits for them, but not for idle connections."""

    request_queue_size = 1024

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.open_requests = 0
        self.changed = threading.Condition()

    def count(self, change):
        with self.changed:
            self.open_requests += change
            self.changed.notify_all()

    def finish(self):
        """Close the listening socket, then wait for open requests; the container's grace period is the limit."""
        self.socket.close()
        with self.changed:
            self.changed.wait_for(lambda: self.open_requests == 0)


def main():
    if BREAK == "crash":
        sys.exit(3)
    server = Server(("", int(os.environ.get("PORT", "8000"))), Handler)
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
    server.serve_forever(poll_interval=0.05)
    server.finish()


main()
