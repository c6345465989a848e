"""Whether a download can work at all, found out once and in bounded time."""

import socket
import threading
from functools import cache
from urllib.parse import SplitResult, urlsplit

TIMEOUT_SECONDS = 4.0
_PORTS = {"http": 80, "https": 443, "socks5": 1080, "socks5h": 1080}


@cache
def reachable(url: str) -> bool:
    """Return whether the host of `url` takes a connection within `TIMEOUT_SECONDS`.

    Where a proxy stands in between, as HTTPS_PROXY and its like say, it is the proxy's connection
    that counts: what lies behind it only the download itself can tell. Looking a name up can hang
    for longer than any socket timeout, hence the thread. The answer is remembered for the life of
    the process; several hosts can be asked at once from several threads.
    """
    answers: list[bool] = []
    thread = threading.Thread(target=lambda: answers.append(_connects(url)), daemon=True)
    thread.start()
    thread.join(TIMEOUT_SECONDS)
    return bool(answers and answers[0])


def _connects(url: str) -> bool:
    try:
        host = _first_host(url)
        address = host.hostname or "", host.port or _PORTS.get(host.scheme, 80)
        with socket.create_connection(address, timeout=TIMEOUT_SECONDS):
            return True
    except (OSError, ValueError):  # a proxy with a port that is no number gives a ValueError
        return False


def _first_host(url: str) -> SplitResult:
    """Return what a connection to `url` goes to first: its proxy, or its own host."""
    from urllib.request import getproxies, proxy_bypass  # loads HTTP, mail and TLS

    parts = urlsplit(url)
    proxies = getproxies()
    proxy = proxies.get(parts.scheme) or proxies.get("all")
    if not proxy or proxy_bypass(parts.netloc):
        return parts
    return urlsplit(proxy if "//" in proxy else f"http://{proxy}")
