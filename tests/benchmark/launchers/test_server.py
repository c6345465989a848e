"""The fork server and Ctrl-C, which the system may give to any thread."""

import os
import signal
import subprocess
import sys
import threading

import pytest

from benchmark.launchers import server


@pytest.fixture(autouse=True)
def _ctrl_c_is_answered():
    """Answer Ctrl-C as Python does, even where it is ignored, as behind nohup."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def interrupt_in_another_thread():
    """Let a thread that does not mask SIGINT receive one; Python answers it in the main thread."""

    def work():
        signal.pthread_kill(threading.get_ident(), signal.SIGINT)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()


def test_ctrl_c_in_another_thread_is_answered_when_the_block_is_over():
    done = []
    with pytest.raises(KeyboardInterrupt):
        with server.ctrl_c_held_off():
            interrupt_in_another_thread()
            done.append("first")
            interrupt_in_another_thread()
            done.append("second")
        done.append("never")
    assert done == ["first", "second"]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_nothing_is_held_off_in_another_thread():
    handlers = []

    def work():
        with server.ctrl_c_held_off():
            handlers.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert handlers == [signal.default_int_handler]


def test_the_output_of_a_process_ends_with_it_even_while_its_server_loads(tmp_path):
    (tmp_path / "endless.py").write_text("import threading\n\nthreading.Event().wait()\n")
    program = (
        "from benchmark.launchers import server\n"
        "server._PRELOAD[:] = ['endless']\n"
        "with server.started_early():\n"
        "    print(server.server_pid())\n"
    )
    folders = [str(tmp_path), *filter(None, sys.path)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(folders)}
    asked = [sys.executable, "-c", program]
    done = subprocess.run(asked, capture_output=True, text=True, timeout=60, env=environment)
    assert done.returncode == 0, done.stderr
    with pytest.raises(ProcessLookupError):
        os.kill(int(done.stdout), 0)
