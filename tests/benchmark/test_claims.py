import json
import os
import subprocess
import sys

import pytest

from benchmark import claims
from benchmark.claims import FILE, LEASE_SECONDS, claimed, holder_of, is_ours
from benchmark.errors import ClaimedError


@pytest.fixture(scope="module")
def ended():
    """Return the id of a process that has ended."""
    with subprocess.Popen([sys.executable, "-S", "-c", ""]) as process:
        process.wait()
    return process.pid


def forge(folder, *, age=0.0, **changes):
    """Write the claim of another process, last renewed `age` seconds ago."""
    with claimed(folder):
        fields = json.loads((folder / FILE).read_text())
    path = folder / FILE
    path.write_text(json.dumps(fields | changes) + "\n")
    os.utime(path, (path.stat().st_atime, path.stat().st_mtime - age))
    return path


def is_free(folder):
    try:
        with claimed(folder, wait=False):
            assert is_ours(folder)
    except ClaimedError:
        return False
    assert list(folder.iterdir()) == []  # nothing is left behind
    return True


def test_a_claim_names_its_holder_and_ends_with_its_block(tmp_path):
    with claimed(tmp_path):
        assert holder_of(tmp_path).pid == os.getpid()
        assert not is_free(tmp_path)
    assert not is_ours(tmp_path)
    assert is_free(tmp_path)


def test_a_refusal_names_the_holder(tmp_path):
    forge(tmp_path, host="node7", place="node7 boot", pid=42)
    with pytest.raises(ClaimedError, match=r"^process 42 of node7$"), claimed(tmp_path, wait=False):
        pass


@pytest.mark.parametrize("age", [0.0, 10 * LEASE_SECONDS])
def test_a_claim_of_this_machine_lasts_as_long_as_its_process(tmp_path, ended, age):
    forge(tmp_path, age=age, pid=os.getppid(), start=0)
    assert not is_free(tmp_path)
    forge_over(tmp_path, pid=ended)
    assert is_free(tmp_path)


def forge_over(folder, **changes):
    path = folder / FILE
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


@pytest.mark.skipif(sys.platform != "linux", reason="starts of processes are read from /proc")
def test_another_process_with_the_id_of_an_ended_one_is_not_its_holder(tmp_path):
    forge(tmp_path, start=1)
    assert not is_ours(tmp_path)
    assert is_free(tmp_path)


@pytest.mark.parametrize(
    ("age", "free"), [(0.0, False), (0.9 * LEASE_SECONDS, False), (1.1 * LEASE_SECONDS, True)]
)
def test_a_claim_of_another_machine_lasts_as_long_as_it_is_renewed(tmp_path, ended, age, free):
    forge(tmp_path, age=age, place="another machine", pid=ended)
    assert is_free(tmp_path) is free


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"host": "a"}', "\xff", '{"pid": "x"}', "1" * 5000]
)
def test_a_claim_without_a_holder_lasts_as_long_as_that_of_another_machine(tmp_path, text):
    path = tmp_path / FILE
    path.write_text(text)
    assert not is_free(tmp_path)
    os.utime(path, (0, 0))  # as in the folders of earlier versions
    assert is_free(tmp_path)


def test_a_claim_that_was_taken_over_before_it_could_be_ended_is_put_back(tmp_path, monkeypatch):
    path = forge(tmp_path, place="another machine", age=2 * LEASE_SECONDS)
    really = claims._stale_claim

    def late(folder):
        found = really(folder)
        if found is not None:
            forge_over(folder, token="theirs")
            monkeypatch.setattr(claims, "_identity", identities.pop)
        return found

    # The file is still the stale one when it is looked at, and another one when it is renamed.
    stale = claims._identity(path)
    identities = type("", (), {"pop": lambda self, path: self.found.pop(0), "found": [stale, 1]})()
    monkeypatch.setattr(claims, "_stale_claim", late)
    assert claims.end_stale(tmp_path) is False
    assert holder_of(tmp_path).token == "theirs"
    assert [each.name for each in tmp_path.iterdir()] == [FILE]


def test_a_holder_renews_its_claim_and_never_that_of_another(tmp_path):
    path = forge(tmp_path, age=100.0)
    holder, before = holder_of(tmp_path), path.stat().st_mtime

    class TwoRounds:
        left = 2

        def wait(self, seconds):
            self.left -= 1
            return self.left < 0

    claims._renew(tmp_path, holder, TwoRounds())
    renewed = path.stat().st_mtime
    assert renewed > before + 90
    forge_over(tmp_path, token="theirs")
    os.utime(path, (0, 0))
    claims._renew(tmp_path, holder, TwoRounds())
    assert path.stat().st_mtime == 0


def test_a_renewal_that_fails_is_tried_again(tmp_path, monkeypatch):
    path = forge(tmp_path, age=100.0)
    holder, errors, really = holder_of(tmp_path), [OSError(5, "no network")], os.utime
    before = path.stat().st_mtime

    def utime(*arguments):
        if errors:
            raise errors.pop()
        really(*arguments)

    class TwoRounds:
        left = 2

        def wait(self, seconds):
            self.left -= 1
            return self.left < 0

    monkeypatch.setattr(os, "utime", utime)
    claims._renew(tmp_path, holder, TwoRounds())
    assert path.stat().st_mtime > before


def test_a_forked_process_does_not_release_the_claim(tmp_path):
    with claimed(tmp_path):
        if (pid := os.fork()) == 0:
            code = 1
            try:
                with claimed(tmp_path, wait=False):
                    pass
            except ClaimedError:
                code = 0
            os._exit(code)
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
        assert is_ours(tmp_path)


def test_a_full_disk_leaves_no_claim(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", full)
        with pytest.raises(OSError, match="No space left"), claimed(tmp_path):
            pass
    assert is_free(tmp_path)
