"""How many requests and tokens a client may spend a minute, and the headers that say so.

A token bucket: it holds one minute's allowance, fills at a steady rate, and a request that would empty it is
told how long to wait. The engine's own limits are far above what it can answer; tests and lessons set low
ones to meet a real 429. OpenAI's header names and the look of its waits ("20ms", "1m30s") are kept.
"""

import threading
import time
from collections.abc import Callable

from helpers.engine.errors import ApiError

REQUESTS_PER_MINUTE = 1_000_000
TOKENS_PER_MINUTE = 10_000_000_000


class Bucket:
    """An allowance of `limit` units a minute."""

    def __init__(self, name: str, limit: int, clock: Callable[[], float] = time.monotonic):
        self.name, self.limit, self._clock = name, limit, clock
        self._level, self._at = float(limit), clock()
        self._lock = threading.Lock()

    def take(self, amount: int) -> None:
        """Spend `amount`. Raises ApiError (429, with `retry-after-ms`) when it is not there."""
        with self._lock:
            self._fill()
            missing = min(amount, self.limit) - self._level
            if missing > 0:
                raise self._refusal(missing)
            self._level -= amount

    def headers(self) -> dict[str, str]:
        """`x-ratelimit-limit-…`, `-remaining-…`, `-reset-…` (until full)."""
        with self._lock:
            self._fill()
            reset = self._seconds_for(self.limit - self._level)
            return {
                f"x-ratelimit-limit-{self.name}": str(self.limit),
                f"x-ratelimit-remaining-{self.name}": str(max(0, int(self._level))),
                f"x-ratelimit-reset-{self.name}": in_words(reset),
            }

    def _fill(self) -> None:
        now = self._clock()
        self._level = min(self.limit, self._level + (now - self._at) * self.limit / 60)
        self._at = now

    def _seconds_for(self, amount: float) -> float:
        return amount * 60 / self.limit

    def _refusal(self, missing: float) -> ApiError:
        seconds = self._seconds_for(missing)
        return ApiError(
            f"Rate limit reached: {self.limit} {self.name} a minute. Try again in {in_words(seconds)}.",
            status=429,
            type=self.name,
            code="rate_limit_exceeded",
            headers={"retry-after-ms": str(int(seconds * 1000) + 1), "retry-after": str(int(seconds) + 1)},
        )


def in_words(seconds: float) -> str:
    """A wait as OpenAI writes it: `0s`, `20ms`, `6s`, `1m30s`."""
    if seconds < 1:
        milliseconds = round(seconds * 1000)
        return f"{milliseconds}ms" if milliseconds else "0s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}m{rest}s" if minutes else f"{rest}s"
