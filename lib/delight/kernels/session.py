"""In the fork: an IPython shell that runs cells sent over a pipe and sends back what they show, as it happens.

It is what a notebook's kernel does, without sockets, history or widgets: `run` reads a cell, runs it, and tells every output. What is
printed goes to the standard output as is, so that nothing is lost when the process dies; before anything else is told, the owner
confirms that it has read what was printed (`Line.tell`), which keeps all outputs in order.
"""

from __future__ import annotations

import builtins
import io
import json
import os
import sys
import threading
from base64 import b64encode

from IPython.core.displayhook import DisplayHook
from IPython.core.displaypub import DisplayPublisher
from IPython.core.error import StdinNotImplementedError
from IPython.core.history import HistoryManager
from IPython.core.interactiveshell import InteractiveShell
from traitlets import Any, Type

from delight.kernels import figures


class Line:
    """The connection to the owner. A process that this one forks keeps silent."""

    def __init__(self, talk, heard):
        self.talk, self.heard, self.pid = talk, heard, os.getpid()
        self.lock = threading.RLock()

    def tell(self, kind, **content):
        """Send a message and wait until the owner has taken it."""
        if os.getpid() != self.pid:
            return
        with self.lock:
            self.talk.send_bytes(json.dumps({"kind": kind, **content}, default=_plain).encode())
            os.read(self.heard, 1)


def _plain(value):
    """What JSON has no word for, in bundles: bytes as base64, as the notebook's format wants them."""
    return b64encode(value).decode("ascii") if isinstance(value, bytes) else str(value)


class Stream(io.TextIOWrapper):
    """Standard output or error, unbuffered; whoever writes after the other lets the owner read that one first."""

    last = None

    def __init__(self, descriptor, line):
        super().__init__(io.FileIO(descriptor, "wb", closefd=False), encoding="utf-8", errors="backslashreplace", write_through=True)
        self.line = line

    def write(self, text):
        if Stream.last is not self:
            if Stream.last is not None:
                self.line.tell("read")
            Stream.last = self
        return super().write(text)


class Shown(DisplayPublisher):
    """What `display` shows."""

    def publish(self, data, metadata=None, *, transient=None, update=False, **_):
        kind = "update" if update else "display"
        self.shell.line.tell(kind, data=data, metadata=metadata or {}, display_id=(transient or {}).get("display_id"))

    def clear_output(self, wait=False):
        self.shell.line.tell("clear", wait=wait)


class Result(DisplayHook):
    """What a cell ends in."""

    def write_output_prompt(self):
        pass

    def write_format_data(self, format_dict, md_dict=None):
        self.bundle = format_dict, md_dict or {}

    def finish_displayhook(self):
        data, metadata = self.__dict__.pop("bundle", ({}, {}))
        if data:
            self.shell.line.tell("result", data=data, metadata=metadata, execution_count=self.prompt_count)


class NoHistory(HistoryManager):
    """Inputs and outputs of this notebook only: no file, no thread."""

    def __init__(self, *args, **options):
        super().__init__(*args, **{**options, "enabled": False})


class Shell(InteractiveShell):
    """IPython's shell on a `Line`."""

    line = Any()
    displayhook_class = Type(Result)
    display_pub_class = Type(Shown)

    def init_history(self):
        self.history_manager = NoHistory(shell=self, parent=self)
        self.configurables.append(self.history_manager)

    def enable_gui(self, gui=None):
        pass

    def ask_exit(self):
        raise SystemExit(0)

    def _showtraceback(self, etype, evalue, stb):
        self.line.tell("error", ename=etype.__name__, evalue=str(evalue), traceback=stb)


def _no_input(prompt=""):
    raise StdinNotImplementedError("A notebook that is run as a whole cannot ask for input.")


def prepare():
    """Make the shell before the fork, with all it imports on the way; nobody listens to it yet."""
    Shell.instance(colors="linux")


def run(talk, ready):
    """Run the cells that come over `talk` until it is closed; the owner confirms each message with a byte on the standard input.

    Parameters
    ----------
    talk : multiprocessing.connection.Connection
    ready : function
        Called when the shell stands.
    """
    line = Line(talk, os.dup(0))
    with open(os.devnull, "rb") as nothing:
        os.dup2(nothing.fileno(), 0)
    sys.stdout, sys.stderr = Stream(1, line), Stream(2, line)
    builtins.input = _no_input
    os.environ.setdefault("MPLBACKEND", "module://matplotlib_inline.backend_inline")  # as Jupyter's kernel does
    shell = Shell.instance()
    shell.line = line
    figures.once(shell)
    ready()
    while True:
        try:
            source = json.loads(talk.recv_bytes())["source"]
        except EOFError:
            return 0
        try:
            done = shell.run_cell(source, store_history=True)
            failed = not done.success
        except KeyboardInterrupt:  # between the cell and its end
            failed = True
        line.tell("done", failed=failed, execution_count=shell.execution_count - 1)
