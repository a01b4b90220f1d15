"""The process that imports once and then forks: ``python -m delight.kernels.zygote FD MODULE…``, started by `delight.kernels.warm`.

Its owner sends five descriptors over the control socket for each fork: standard input, output and error, *life* and *talk*.

- life tells the owner ``{"pid": n}`` or ``{"refused": why}``, and at the end ``{"exit": status}`` (negative: a signal). When the owner
  lets go of it, the fork and its children are killed: the life of this connection is the life of the fork.
- talk is between owner and fork alone. The fork reads from it what to become.

When the control socket closes the owner is gone, and everything goes with it. The zygote never starts a thread, and refuses to fork
when a library has started one: the fork would inherit locks that nobody holds.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import importlib
import json
import os
import selectors
import signal
import socket
import sys
import tempfile
import time
from multiprocessing.connection import Connection

_PR_SET_PDEATHSIG = 1


def threads():
    """Number of threads of this process, those of C libraries included."""
    return len(os.listdir("/proc/self/task"))


def why_not():
    """Why this process must not fork, or ""."""
    return f"a library that is imported beforehand has started {threads() - 1} thread(s)" if threads() > 1 else ""


class Zygote:
    """The forks of one owner, and the loop that waits for what they and the owner do."""

    def __init__(self, control):
        self.control = control
        self.waiting = selectors.DefaultSelector()
        self.waiting.register(control, selectors.EVENT_READ, self.asked)
        self.forks = {}  # pid → (its end, life)

    def run(self):
        """Serve until the owner is gone."""
        while True:
            for key, _ in self.waiting.select():
                key.data(key.fileobj)

    def asked(self, control):
        """Fork, as the owner asks."""
        word, given, _, _ = socket.recv_fds(control, 16, 5)
        if not word:
            for pid in self.forks:
                _kill(pid)
            os._exit(0)
        life = socket.socket(fileno=given[3])
        try:
            self.fork(given, life)
        except OSError as error:
            _tell(life, refused=str(error))
            life.close()

    def fork(self, given, life):
        refused = why_not()
        pid = 0 if refused else os.fork()
        if not refused and pid == 0:
            self.become(given, life)
        for descriptor in (*given[:3], given[4]):
            os.close(descriptor)
        if refused:
            _tell(life, refused=refused)
            life.close()
            return
        end = os.pidfd_open(pid)
        self.forks[pid] = end, life
        self.waiting.register(end, selectors.EVENT_READ, lambda _: self.ended(pid))
        self.waiting.register(life, selectors.EVENT_READ, lambda _: self.let_go(pid, life))
        _tell(life, pid=pid)

    def let_go(self, pid, life):
        """The owner has closed its end of life."""
        if self.forks.get(pid, (None, None))[1] is not life:
            return  # the fork has ended by itself in the same moment
        self.waiting.unregister(life)
        _kill(pid)

    def ended(self, pid):
        """A fork has ended: nothing it started stays behind, and its owner hears how it ended."""
        end, life = self.forks.pop(pid)
        self.waiting.unregister(end)
        _kill(pid)  # its group; the number is ours until it is waited for
        status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        with contextlib.suppress(KeyError):
            self.waiting.unregister(life)
        _tell(life, exit=status)
        os.close(end)
        life.close()

    def become(self, given, life):
        """In the fork: shed what is the zygote's, and become what the owner asks for. Never returns."""
        status = 1
        try:
            parent = os.getppid()
            os.setsid()
            ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)  # with the zygote goes the fork
            if os.getppid() != parent:
                os._exit(1)
            signal.signal(signal.SIGINT, signal.default_int_handler)
            for target, descriptor in enumerate(given[:3]):
                os.dup2(descriptor, target, inheritable=True)
                os.close(descriptor)
            self.waiting.close()
            self.control.close()
            for end, other in self.forks.values():
                os.close(end)
                other.close()
            self.forks.clear()
            talk = Connection(given[4])
            request = json.loads(talk.recv_bytes())
            _settle(request["environment"], request["cwd"])
            run = importlib.import_module(request["module"]).run
            status = run(talk, lambda: _tell(life, ready=True), *request["arguments"]) or 0
        except SystemExit as error:
            status = error.code if isinstance(error.code, int) else int(error.code is not None)
        except BaseException:
            sys.__excepthook__(*sys.exc_info())
        finally:
            _leave(status)


def _settle(environment, cwd):
    """Make the fork what a fresh interpreter would be: its own environment, folder and random states."""
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(environment)
    time.tzset()
    tempfile.tempdir = None
    sys.path[0] = ""
    random, numpy = sys.modules.get("random"), sys.modules.get("numpy")
    if random:
        random.seed()
    if numpy:
        numpy.random.seed()


def _leave(status):
    """End without the interpreter's long farewell: what asked to run at exit runs, within two seconds."""
    import atexit

    try:
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(2)
        sys.stdout.flush()
        sys.stderr.flush()
        atexit._run_exitfuncs()
    except BaseException:
        pass
    os._exit(status & 0xFF)


def _tell(life, **message):
    with contextlib.suppress(OSError):  # the owner may be gone
        life.send(json.dumps(message).encode())


def _kill(pid):
    for kill in (os.killpg, os.kill):
        with contextlib.suppress(OSError):
            kill(pid, signal.SIGKILL)


def main(control, *modules):
    control = socket.socket(fileno=int(control))
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the owner's to handle
    missing = []
    for name in modules:
        try:
            module = importlib.import_module(name)
            if hasattr(module, "prepare") and name.startswith("delight.kernels."):
                module.prepare()
        except Exception as error:  # a library that is not there must not keep the others from being imported
            missing.append(f"{name}: {error}")
    gc.collect()
    gc.freeze()  # collections in a fork do not touch, and so do not copy, the pages it shares
    _tell(control, missing=missing, refused=why_not())
    Zygote(control).run()


if __name__ == "__main__":
    main(*sys.argv[1:])
