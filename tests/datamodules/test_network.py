import socket
import threading
import time

import pytest

from datamodules import network


def test_a_resolver_that_hangs_is_waited_for_in_bounded_time(monkeypatch):
    released = threading.Event()

    def hang(*arguments, **keywords):
        released.wait()
        return []

    monkeypatch.setattr(socket, "getaddrinfo", hang)
    monkeypatch.setattr(network, "TIMEOUT_SECONDS", 0.1)
    begun = time.perf_counter()
    assert not network.reachable("https://example.invalid/file")
    assert time.perf_counter() - begun < 2
    released.set()


def test_the_answer_is_asked_for_once(monkeypatch):
    asked = []
    monkeypatch.setattr(network, "_connects", lambda url: bool(asked.append(url)) or True)
    assert network.reachable("https://example.invalid")
    assert network.reachable("https://example.invalid")
    assert len(asked) == 1


@pytest.mark.parametrize("error", [socket.gaierror, ConnectionRefusedError, TimeoutError])
def test_a_connection_that_fails_means_unreachable(monkeypatch, error):
    def refuse(*arguments, **keywords):
        raise error

    monkeypatch.setattr(socket, "create_connection", refuse)
    assert not network.reachable("https://example.invalid")
