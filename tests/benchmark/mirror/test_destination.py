import http.server
import os
import threading

import pytest

from benchmark.errors import UsageError
from benchmark.mirror.destination import choose_destination
from datamodules.network import reachable

KEY = "0" * 40


@pytest.fixture(autouse=True)
def _no_account(tmp_path, monkeypatch):
    reachable.cache_clear()
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    monkeypatch.setenv("WANDB_CONFIG_DIR", str(tmp_path / "config"))
    monkeypatch.setenv("WANDB_BASE_URL", "http://127.0.0.1:9")  # nothing listens there


@pytest.fixture
def server(monkeypatch):
    with http.server.HTTPServer(("127.0.0.1", 0), http.server.BaseHTTPRequestHandler) as found:
        threading.Thread(target=found.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{found.server_port}"
        monkeypatch.setenv("WANDB_BASE_URL", url)
        yield url
        found.shutdown()


def choose(mode, tmp_path):
    return choose_destination(mode, project="p", entity=None, folder=tmp_path / "s", study="s")


def test_without_an_account_it_is_offline_and_says_where(tmp_path):
    destination, words = choose("auto", tmp_path)
    assert destination.mode == "offline"
    assert f"W&B: offline, in {tmp_path / 's' / 'wandb'}" in words
    with pytest.raises(UsageError, match="needs an account on http://127.0.0.1:9"):
        choose("online", tmp_path)


@pytest.mark.parametrize("mode", ["auto", "online"])
def test_a_key_and_a_server_that_answers_make_it_online(tmp_path, monkeypatch, server, mode):
    monkeypatch.setenv("WANDB_API_KEY", KEY)
    destination, words = choose(mode, tmp_path)
    assert destination.mode == "online"
    assert server in words
    assert KEY not in words + repr(destination)


def test_a_login_for_the_server_in_netrc_counts(tmp_path, server):
    host = server.partition("//")[2]
    (tmp_path / "netrc").write_text(f"machine {host}\n login user\n password {KEY}\n")
    assert choose("auto", tmp_path)[0].mode == "online"


def test_a_login_for_another_server_does_not(tmp_path, server):
    (tmp_path / "netrc").write_text(f"machine example.org\n login user\n password {KEY}\n")
    assert choose("auto", tmp_path)[0].mode == "offline"


@pytest.mark.parametrize("mode", ["auto", "online"])
def test_a_server_that_does_not_answer_makes_it_offline_with_one_warning(
    tmp_path, monkeypatch, mode
):
    monkeypatch.setenv("WANDB_API_KEY", KEY)
    destination, words = choose(mode, tmp_path)
    assert destination.mode == "offline"
    assert words.startswith("warning: the W&B server http://127.0.0.1:9 does not answer")


def test_the_environment_decides_for_auto_alone(tmp_path, monkeypatch):
    monkeypatch.setenv("WANDB_MODE", "disabled")
    assert choose("auto", tmp_path) == (None, "W&B: disabled")
    assert choose("offline", tmp_path)[0].mode == "offline"


@pytest.mark.parametrize("mode", ["auto", "offline"])
def test_an_empty_mode_in_the_environment_is_as_none(tmp_path, monkeypatch, mode):
    monkeypatch.setenv("WANDB_MODE", "")
    assert choose(mode, tmp_path)[0].mode == "offline"
    assert "WANDB_MODE" not in os.environ


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("WANDB_MODE", "banana", "WANDB_MODE is 'banana'"),
        ("WANDB_BASE_URL", "nowhere", "not valid"),
    ],
)
def test_a_bad_variable_is_refused_in_one_line(tmp_path, monkeypatch, name, value, words):
    monkeypatch.setenv(name, value)
    with pytest.raises(UsageError, match=words) as refused:
        choose("auto", tmp_path)
    assert "\n" not in str(refused.value)
