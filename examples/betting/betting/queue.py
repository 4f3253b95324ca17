"""The queue between the API and the worker: a hint in Redis, the truth in PostgreSQL."""

import os

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

NAME = "games"


def connect() -> redis.Redis:
    """A connection that fails quickly: a lost hint costs seconds, the worker's sweep finds the game."""
    once_more = Retry(NoBackoff(), 1)  # by default the client tries for seconds, and a request waits for it
    return redis.Redis.from_url(os.environ["REDIS_URL"], decode_responses=True, socket_timeout=5, retry=once_more)
