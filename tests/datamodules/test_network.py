import contextlib
import socket
import threading
import time

import pytest

from datamodules import network
from datamodules.places import which_unavailable

PROXIES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch):
    for name in PROXIES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


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


@pytest.mark.parametrize(
    ("variables", "address"),
    [
        ({}, ("example.invalid", 443)),
        ({"HTTPS_PROXY": "http://proxy.invalid:3128"}, ("proxy.invalid", 3128)),
        ({"https_proxy": "http://me:word@proxy.invalid"}, ("proxy.invalid", 80)),
        ({"https_proxy": "proxy.invalid:3128"}, ("proxy.invalid", 3128)),
        ({"ALL_PROXY": "socks5://proxy.invalid"}, ("proxy.invalid", 1080)),
        ({"HTTP_PROXY": "http://proxy.invalid:3128"}, ("example.invalid", 443)),
        (
            {"HTTPS_PROXY": "http://proxy.invalid:3128", "NO_PROXY": "other,example.invalid"},
            ("example.invalid", 443),
        ),
    ],
)
def test_behind_a_proxy_it_is_the_proxy_that_is_asked(monkeypatch, variables, address):
    def connect(address, timeout):
        asked.append(address)
        return contextlib.nullcontext()

    asked = []
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(socket, "create_connection", connect)
    assert network.reachable("https://example.invalid/file")
    assert asked == [address]


def test_a_proxy_whose_port_is_no_number_leads_nowhere(monkeypatch):
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.invalid:port")
    assert not network.reachable("https://example.invalid")


def test_hosts_of_several_data_sets_are_asked_at_once(monkeypatch, tmp_path):
    everyone = threading.Barrier(3)

    def meet(url):
        everyone.wait(timeout=10)  # broken unless all three are asked before one has answered
        return "mnist" in url

    monkeypatch.setattr("datamodules.places.reachable", meet)
    found = which_unavailable(["imdb", "mnist", "cifar10", "digits", "imdb"], tmp_path, tmp_path)
    assert list(found) == ["imdb", "cifar10"]
    assert "Put the hub's shards as imdb/*.parquet" in found["imdb"]
