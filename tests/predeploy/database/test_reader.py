"""Readers: one instant, a limit on each statement, and nothing that writes or hides."""

from __future__ import annotations

import contextlib
import functools
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest

from switchyard.core.errors import NotChecked
from switchyard.predeploy.database.orphans import count_query
from switchyard.predeploy.database.reader import MARK
from switchyard.predeploy.database.reference_server import Server
from switchyard.predeploy.database.relations import foreign_keys
from tests.harness.database_application import Shop, wait_until
from tests.harness.library import TOP
from tests.harness.postgres import READER, fresh, idle, open_reader, url

TRANSACTION = {"transaction_isolation": "repeatable read", "row_security": "off"}


@contextlib.contextmanager
def pooled(server: Server) -> Iterator[int]:
    """A port where somebody stands before the server who announces a process of its own making, as poolers do."""

    def pass_on(source: socket.socket, sink: socket.socket, announces: bool) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(1 << 16):
                if announces and (at := data.find(b"K\0\0\0\x0c")) >= 0:
                    data, announces = data[: at + 5] + b"\0\0\0\x01" + data[at + 9 :], False
                sink.sendall(data)
        sink.close()

    def serve() -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = listener.accept()
                behind = socket.socket(socket.AF_UNIX)
                behind.connect(f"{server.folder}/.s.PGSQL.5432")
                threading.Thread(target=pass_on, args=(client, behind, False), daemon=True).start()
                threading.Thread(target=pass_on, args=(behind, client, True), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=serve, daemon=True).start()
        yield listener.getsockname()[1]


def test_behind_a_pooler_nothing_is_looked_at_since_its_sessions_are_others_too(newest: Server, shop: Shop) -> None:
    name = fresh(newest, "CREATE TABLE t (id int PRIMARY KEY)")
    with pooled(newest) as port:
        result = shop.predeploy(address=f"postgresql://postgres@127.0.0.1:{port}/{name}?sslmode=disable")
    assert result["exit"] == 3 and "a connection pooler answers in the server" in result["schema"]["reason"], result[
        "printed"
    ]


def test_a_role_that_may_not_look_is_unknown_and_never_clean(newest: Server, shop: Shop) -> None:
    name = fresh(
        newest,
        READER,
        "CREATE TABLE t (id int PRIMARY KEY); CREATE TABLE c (id serial PRIMARY KEY, t int REFERENCES t)",
        "CREATE INDEX ON c (t); REVOKE ALL ON t, c FROM PUBLIC",
    )
    result = shop.predeploy(address=url(newest, name, "stranger"))
    assert {check: result[check]["outcome"] for check in ("server", "orphans", "sequences")} == {
        "server": "unknown",
        "orphans": "unknown",
        "sequences": "unknown",
    }
    assert result["exit"] == 3
    assert "GRANT pg_monitor" in result["server"]["reason"]


def test_a_statement_that_runs_into_its_limit_is_unknown(newest: Server, shop: Shop) -> None:
    head = "-- id: slow\n-- severity: error\n-- promises: Soon.\n-- do: Wait.\n"
    slow = "SELECT count(*) FROM generate_series(1, 1000000) a, generate_series(1, 1000000) b"
    shop.write(sql__checks__slow_sql=head + slow)
    shop.settings({"timeout": 1})
    result = shop.predeploy(address=url(newest, fresh(newest, "CREATE TABLE t (id int PRIMARY KEY)")))
    assert (result["own"]["outcome"], result["schema"]["outcome"], result["exit"]) == ("unknown", "pass", 3)
    assert "no end within 1 s" in result["own"]["reason"]


def test_a_lock_is_not_waited_for(newest: Server, shop: Shop) -> None:
    name = fresh(newest, "CREATE TABLE t (id int PRIMARY KEY); CREATE TABLE c (id int PRIMARY KEY, t int REFERENCES t)")
    with idle(newest, name, "LOCK TABLE c IN ACCESS EXCLUSIVE MODE"):
        result = shop.predeploy("--only", "orphans", address=url(newest, name))["orphans"]
    assert result["outcome"] == "unknown"
    assert "waited for a lock" in result["reason"]


def test_ctrl_c_ends_the_statement_on_the_server(newest: Server, shop: Shop) -> None:
    head = "-- id: slow\n-- severity: error\n-- promises: Soon.\n-- do: Wait.\n"
    slow = "SELECT count(*) FROM generate_series(1, 1000000) a, generate_series(1, 1000000) b"
    shop.write(sql__checks__slow_sql=head + slow)
    name = fresh(newest, "CREATE TABLE t (id int PRIMARY KEY)")
    program = subprocess.Popen(
        [sys.executable, "-m", "invoke", "predeploy", "--only", "own"],
        cwd=shop.checkout,
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(TOP), "DATABASE_URL": url(newest, name)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        # A shell has what it runs in the background ignore Ctrl-C, and that is inherited.
        preexec_fn=functools.partial(signal.signal, signal.SIGINT, signal.SIG_DFL),
    )
    asked = "SELECT count(*) FROM pg_stat_activity WHERE datname = %s AND query LIKE '%%generate_series(1, 1000000)%%'"
    with newest.open("postgres") as watcher:
        wait_until(lambda: watcher.execute(f"{asked} AND state = 'active'", [name]).fetchone() == (1,))
        program.send_signal(signal.SIGINT)
        program.communicate(timeout=30)
        assert program.returncode == 130
        wait_until(lambda: watcher.execute(asked, [name]).fetchone() == (0,))


def test_every_connection_sees_the_same_instant(server: Server) -> None:
    with open_reader(server, "CREATE TABLE t (id int)") as reader:
        with server.open(reader.address.parameters.dbname) as writer:
            writer.execute("INSERT INTO t VALUES (1)")
        counts = []
        threads = [
            threading.Thread(target=lambda: counts.append(reader.value("SELECT count(*) FROM public.t", int)))
            for _ in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert counts == [0] * 4


@pytest.mark.parametrize(
    "text", ["{};", "-- why\n/* ; */ ({}) -- the end", "WITH a AS ({}) SELECT * FROM a", "VALUES(({}))"]
)
def test_each_statement_says_within_itself_whose_it_is(server: Server, text: str) -> None:
    with open_reader(server, "SELECT 1") as reader:
        own = text.format("SELECT query FROM pg_catalog.pg_stat_activity WHERE pid = pg_backend_pid()")
        (text_seen,) = reader.rows(own, str)
        assert text_seen.replace(f" {MARK} ", "") == own
        assert 0 < text_seen.index(MARK) < text_seen.index("query FROM")


def test_nothing_gets_out_of_the_transaction(server: Server) -> None:
    with open_reader(server, "CREATE TABLE t (id int)") as reader:
        for text, words in (
            ("COMMIT; CREATE TABLE public.escaped (id int)", "multiple commands"),
            ("INSERT INTO public.t VALUES (1)", "read-only"),
            ("CREATE TABLE public.escaped ()", "read-only"),
        ):
            with pytest.raises(NotChecked, match=words):
                reader.rows(text, str)
        with server.open(reader.address.parameters.dbname) as other:
            assert other.execute("SELECT to_regclass('public.escaped')").fetchone() == (None,)
        settings = (
            "SELECT current_setting('transaction_isolation') || ', row_security ' || current_setting('row_security')"
        )
        assert reader.value(settings, str) == "repeatable read, row_security off"


def test_the_locks_are_a_readers(server: Server) -> None:
    with open_reader(server, "CREATE TABLE p (id int PRIMARY KEY); CREATE TABLE c (p int REFERENCES p)") as reader:
        (relation,) = foreign_keys(reader)
        held = reader.rows(
            "WITH one AS (SELECT count(*) FROM public.c) "
            "SELECT DISTINCT mode FROM pg_locks, one WHERE relation IS NOT NULL",
            str,
        )
        assert held == ["AccessShareLock"]
        assert "LIMIT" not in count_query(relation).as_string(None)
