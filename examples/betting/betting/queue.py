"""The queue between the API and the worker: a hint in Redis, the truth in PostgreSQL."""

import os

import redis

NAME = "games"


def connect() -> redis.Redis:
    """A connection that fails quickly: a lost hint costs seconds, the worker's sweep finds the game."""
    return redis.Redis.from_url(os.environ["REDIS_URL"], decode_responses=True, socket_timeout=5)
