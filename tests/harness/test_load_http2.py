"""What counts as a failure of a load over HTTP/2."""

from tests.harness.load.http2 import summarise


def test_only_an_answer_200_over_http2_counts_as_one() -> None:
    summary = summarise(["2 200 ", "1.1 200 ", "2 503 ", "0 000 Failed to connect", "2 200 "])
    assert (summary.sent, summary.failed) == (5, 3)
    assert summary.errors == {"1.1 200 ": 1, "2 503 ": 1, "0 000 Failed to connect": 1}
