"""Forks of a process that has imported the libraries: `fork` gives one, `Cold` says why there is none.

The zygotes of this process live as long as it does, one for each set of modules and of variables that are read at import.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from multiprocessing import Pipe

#: Variables that the interpreter or a library reads when it starts: they cannot change after the fork, so each set of values has a zygote.
AT_IMPORT = (
    *("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS", "MALLOC_ARENA_MAX"),
    *("PYTHONHASHSEED", "PYTHONPATH", "PYTHONWARNINGS", "PYTHONOPTIMIZE", "PYTHONHOME", "LD_LIBRARY_PATH", "LD_PRELOAD"),
    *("LANG", "LC_ALL", "HOME", "IPYTHONDIR", "MPLBACKEND", "MPLCONFIGDIR", "MATPLOTLIBRC", "ARROW_DEFAULT_MEMORY_POOL"),
)
#: What a zygote is started with unless the environment says otherwise. BLAS and Arrow would start threads at import.
DEFAULTS = {
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "PYTHONHASHSEED": "0",  # one seed for all forks, so a known one
    "MPLBACKEND": "module://matplotlib_inline.backend_inline",
    "JE_ARROW_MALLOC_CONF": "background_thread:false",
}
#: Longest that importing, and coming up, may take on a busy machine.
START_SECONDS = 240


class Cold(Exception):
    """There is no fork to be had; the message says why."""


class Lost(Cold):
    """The zygote is gone; another may do."""


def fork(module, *arguments, modules, environment=None, cwd=None, stdio=(None, None, None)):
    """A fork of a process that has imported `modules`, in which `module`'s ``run(talk, ready, *arguments)`` runs.

    Parameters
    ----------
    module : str
        Name of the module to run.
    *arguments
        Anything JSON can carry.
    modules : sequence of str
        To be imported once, before the first fork; those that cannot be are left to the fork.
    environment : dict of str to str, optional
        The fork's environment; this process's when None.
    cwd : str, optional
        Its working folder.
    stdio : (int or None, int or None, int or None)
        Descriptors of its standard input (nothing when None), output and error (ours when None).

    Returns
    -------
    Fork

    Raises
    ------
    Cold
        No fork is to be had here.
    """
    if not (sys.platform.startswith("linux") and hasattr(os, "pidfd_open")):
        raise Cold(f"forks of a running interpreter are only safe on Linux, and this is {sys.platform}")
    environment = dict(os.environ if environment is None else environment)
    request = {"module": module, "arguments": arguments, "environment": environment, "cwd": os.fspath(cwd or os.getcwd())}
    try:
        return _zygote(modules, environment).fork(request, stdio)
    except Lost:  # it was killed since its last fork
        return _zygote(modules, environment).fork(request, stdio)


_zygotes, _lock = {}, threading.Lock()


def _zygote(modules, environment):
    environment = {**DEFAULTS, **environment}
    key = (tuple(modules), *(environment.get(name) for name in AT_IMPORT))
    with _lock:
        if key not in _zygotes or not (_zygotes[key].alive or _zygotes[key].refuses):
            _zygotes[key] = Zygote(modules, environment)
        return _zygotes[key]


@atexit.register
def close():
    """End the zygotes of this process and all their forks."""
    with _lock:
        for zygote in _zygotes.values():
            zygote.close()
        _zygotes.clear()


def _disown():
    """A copy of this process holds no zygotes: they are its parent's, and go when that goes."""
    global _lock
    _lock = threading.Lock()
    for zygote in _zygotes.values():
        zygote.control.close()
    _zygotes.clear()


os.register_at_fork(after_in_child=_disown)


class Zygote:
    """A zygote as its owner sees it."""

    def __init__(self, modules, environment):
        self.control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "delight.kernels.zygote", str(theirs.fileno()), *modules],
                env=environment,
                stdin=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                cwd="/",
                start_new_session=True,
            )
        self.refuses, self._started, self._starting = "", False, threading.Lock()

    @property
    def alive(self):
        return self.process.poll() is None

    def wait(self):
        """Wait until the modules are imported.

        Raises
        ------
        Cold
        """
        with self._starting:
            if not self._started:
                self.refuses = _hear(self.control, START_SECONDS)["refused"]
                self._started = True
                if self.refuses:  # for good: what has started threads would start them again
                    self.close()
        if self.refuses:
            raise Cold(self.refuses)

    def fork(self, request, stdio):
        """A fork; see `fork` of this module."""
        self.wait()
        life, their_life = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        talk, their_talk = Pipe()
        with their_life, their_talk, open(os.devnull, "rb") as nothing:
            given = [
                nothing.fileno() if stdio[0] is None else stdio[0],
                *(n if fd is None else fd for n, fd in ((1, stdio[1]), (2, stdio[2]))),
            ]
            try:
                socket.send_fds(self.control, [b"fork"], [*given, their_life.fileno(), their_talk.fileno()])
            except OSError as error:
                life.close()
                talk.close()
                raise Lost(f"the process that forks is gone ({error})") from None
        try:
            answer = _hear(life, START_SECONDS)
            if "refused" in answer:
                raise Cold(answer["refused"])
            made = Fork(answer["pid"], life, talk)
            talk.send_bytes(json.dumps(request).encode())
        except (Cold, OSError):
            life.close()
            talk.close()
            raise
        return made

    def close(self):
        """Let go: the zygote kills its forks and ends."""
        self.control.close()
        try:
            self.process.wait(2 if self._started else 0)  # while it imports it does not listen
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def _hear(connection, seconds):
    connection.settimeout(seconds)
    try:
        message = connection.recv(65536)
    except TimeoutError:
        raise Cold(f"the process that forks did not answer within {seconds} s") from None
    except OSError:
        message = b""
    if not message:
        raise Lost("the process that forks has ended")
    return json.loads(message)


class Fork:
    """A forked process: what `subprocess.Popen` would be, were it our child.

    Attributes
    ----------
    pid : int
    returncode : int or None
        Exit status, negative for a signal; None while it runs.
    talk : multiprocessing.connection.Connection
        To the module that runs in it.
    life : socket.socket
        Readable when `poll` would learn something.
    """

    stdin = stdout = stderr = None

    def __init__(self, pid, life, talk):
        self.pid, self.life, self.talk = pid, life, talk
        self.returncode, self.ready = None, False
        self._hearing = threading.Lock()

    def poll(self, timeout=0):
        """Exit status, or None while it runs; waits at most `timeout` seconds for news."""
        with self._hearing:
            if self.returncode is None:
                self.life.settimeout(timeout)
                try:
                    self._hear(self.life.recv(65536))
                except (BlockingIOError, TimeoutError):
                    pass
                except OSError:
                    self._hear(b"")
        return self.returncode

    def _hear(self, message):
        news = json.loads(message) if message else {"exit": -signal.SIGKILL}  # with the zygote goes the fork
        self.ready = self.ready or "ready" in news
        if "exit" in news:
            self.returncode = news["exit"]
            self.life.close()
            self.talk.close()

    def wait_ready(self, timeout=START_SECONDS):
        """Wait until the fork says that it is ready; false if it ends or dallies instead."""
        end = time.monotonic() + timeout
        while not self.ready and time.monotonic() < end and self.poll(max(0.001, end - time.monotonic())) is None:
            pass
        return self.ready and self.returncode is None

    def wait(self, timeout=None):
        end = None if timeout is None else time.monotonic() + timeout
        while self.poll(None if end is None else max(0.001, end - time.monotonic())) is None:
            if end is not None and time.monotonic() >= end:
                raise subprocess.TimeoutExpired("fork", timeout)
        return self.returncode

    def send_signal(self, number):
        if self.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def terminate(self):
        self.send_signal(signal.SIGTERM)

    def kill(self):
        self.send_signal(signal.SIGKILL)

    def close(self, patience=0.0):
        """End it: it may leave by itself within `patience` seconds, then it and what it started are killed."""
        if self.returncode is None:
            with contextlib.suppress(OSError):
                self.talk.close()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.wait(patience) if patience else self.poll()
        if self.returncode is None:
            self.returncode = -signal.SIGKILL
            self.life.close()
