"""Whether a download can work at all, found out once and in bounded time."""

import socket
import threading
from functools import cache
from urllib.parse import urlsplit

TIMEOUT_SECONDS = 4.0


@cache
def reachable(url: str) -> bool:
    """Return whether the host of `url` takes a connection within `TIMEOUT_SECONDS`.

    Looking a name up can hang for longer than any socket timeout, hence the thread. The answer is
    remembered for the life of the process.
    """
    answers: list[bool] = []
    thread = threading.Thread(target=lambda: answers.append(_connects(url)), daemon=True)
    thread.start()
    thread.join(TIMEOUT_SECONDS)
    return bool(answers and answers[0])


def _connects(url: str) -> bool:
    parts = urlsplit(url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        with socket.create_connection((parts.hostname or "", port), timeout=TIMEOUT_SECONDS):
            return True
    except OSError:
        return False
