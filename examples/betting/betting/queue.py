"""The queue between the API and the worker: Redis holds hints, PostgreSQL holds the games."""

import os

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

NAME = "games"


def connect() -> redis.Redis:
    """Connect so that a failure is quick: without a hint, the worker finds the game within a second."""
    once_more = Retry(NoBackoff(), 1)  # by default the client retries for seconds, while a request waits
    return redis.Redis.from_url(os.environ["REDIS_URL"], decode_responses=True, socket_timeout=5, retry=once_more)
