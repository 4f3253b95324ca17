"""One lock, for the moment of one comparison or one write."""

from __future__ import annotations

import threading

from switchyard.host.adapters.lock import Lock


def test_a_second_holder_waits_until_the_first_is_done(tmp_path):
    lock, order = Lock(tmp_path), []

    def second() -> None:
        with lock.hold():
            order.append("second")

    with lock.hold():
        thread = threading.Thread(target=second)
        thread.start()
        thread.join(0.1)
        order.append("first")
    thread.join()
    assert order == ["first", "second"]
