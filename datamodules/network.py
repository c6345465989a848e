"""A test of whether a host can be reached, made once and in bounded time."""

import socket
import threading
from functools import cache
from urllib.parse import SplitResult, urlsplit

TIMEOUT_SECONDS = 4.0
_PORTS = {"http": 80, "https": 443, "socks5": 1080, "socks5h": 1080}


@cache
def reachable(url: str) -> bool:
    """Return whether the host of `url` accepts a connection within `TIMEOUT_SECONDS`.

    If HTTPS_PROXY or a similar variable names a proxy, only the connection to the proxy is tested;
    only the download itself can test the hosts behind it. A thread is used because name resolution
    can hang for longer than any socket timeout. The answer is kept for the life of the process.
    Several threads may ask for several hosts at once.
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
    except (OSError, ValueError):  # a proxy whose port is not a number gives a ValueError
        return False


def _first_host(url: str) -> SplitResult:
    """Return the first host of a connection to `url`: its proxy, or its own host."""
    from urllib.request import getproxies, proxy_bypass  # slow to import: HTTP, mail, TLS

    parts = urlsplit(url)
    proxies = getproxies()
    proxy = proxies.get(parts.scheme) or proxies.get("all")
    if not proxy or proxy_bypass(parts.netloc):
        return parts
    return urlsplit(proxy if "//" in proxy else f"http://{proxy}")
