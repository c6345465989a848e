"""How the tests of clusters wait for a command."""

import subprocess

import pytest

from tests import clusters


@pytest.fixture
def ended(monkeypatch):
    process = subprocess.Popen(["echo", "why"], stdout=subprocess.PIPE, text=True)
    process.wait()
    monkeypatch.setattr(clusters, "_started", [process])
    return process


def test_waiting_ends_with_the_command_and_shows_what_it_said(ended):
    with pytest.raises(AssertionError, match="why"):
        clusters.wait_until(lambda: False, seconds=0.2)


def test_waiting_goes_on_after_a_command_whose_output_was_read(ended):
    ended.communicate()
    with pytest.raises(AssertionError, match="did not happen in time"):
        clusters.wait_until(lambda: False, seconds=0.2)


def test_the_output_of_a_command_that_has_ended_by_itself_is_shown(ended, capsys):
    clusters.end_started()
    assert capsys.readouterr().out.strip() == "why"
