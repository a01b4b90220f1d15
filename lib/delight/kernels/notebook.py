"""A notebook's process as its owner sees it: cells go in, outputs come back as they happen."""

from __future__ import annotations

import codecs
import contextlib
import json
import os
import signal
import time
from multiprocessing import connection

import nbformat

from delight.kernels import LIBRARIES, SESSION, warm

#: How long an interrupted cell has to say where it stood, and an ended notebook to leave by itself, in seconds.
PATIENCE = 2.0


class Stopped(Exception):
    """A cell did not come to its end: the process died with this exit status (negative: a signal), or time was over (None)."""

    def __init__(self, status=None):
        super().__init__(status)
        self.status = status


class Session:
    """A notebook's process: an IPython shell (`delight.kernels.session`) in a fork.

    Parameters
    ----------
    environment : dict of str to str
        Variables it sees beside this process's.
    modules : sequence of str
        Imported before the fork.

    Raises
    ------
    delight.kernels.warm.Cold
        On entering: no fork is to be had.
    """

    def __init__(self, environment, modules=LIBRARIES):
        self.environment = {**os.environ, **{name: str(value) for name, value in environment.items()}}
        self.modules = (*modules, *SESSION)
        self.displayed = {}  # display id → outputs

    def __enter__(self):
        heard, self.confirm = os.pipe()
        self.printed, theirs = {}, [heard]
        for name in ("stdout", "stderr"):
            mine, its = os.pipe()
            os.set_blocking(mine, False)
            self.printed[mine] = name, codecs.getincrementaldecoder("utf-8")("replace")
            theirs.append(its)
        try:
            self.fork = warm.fork("delight.kernels.session", modules=self.modules, environment=self.environment, stdio=theirs)
        except BaseException:
            self._close_pipes()
            raise
        finally:
            for descriptor in theirs:
                os.close(descriptor)
        return self

    def __exit__(self, *exception):
        self.fork.close(0.0 if any(exception) else PATIENCE)
        self._close_pipes()

    def _close_pipes(self):
        for descriptor in (self.confirm, *self.printed):
            os.close(descriptor)

    def run(self, cell, ends, copy=()):
        """Run a cell, putting its outputs into it as they come; whether it failed.

        Parameters
        ----------
        cell : nbformat.NotebookNode
        ends : float
            When its time is over, on the monotonic clock.
        copy : sequence
            Where to copy what is printed: a file for output, one for errors, a logger; each may be None.

        Raises
        ------
        Stopped
            The process died, or time was over.
        """
        shown, interrupted = _Shown(cell.outputs, self.displayed, copy), False
        with contextlib.suppress(OSError):  # of its death we hear below
            self.fork.talk.send_bytes(json.dumps({"source": cell.source}).encode())
        while True:
            ready = connection.wait([self.fork.talk, self.fork.life, *self.printed], _left(ends))
            self._read(shown)
            if self.fork.talk in ready and (message := self._hear()):
                self._read(shown)  # what was printed before it was told
                with contextlib.suppress(OSError):
                    os.write(self.confirm, b".")
                if message["kind"] != "done":
                    shown.take(message)
                elif interrupted:
                    raise Stopped()
                else:
                    cell.execution_count = message["execution_count"]
                    return message["failed"]
            elif self.fork.talk in ready or self.fork.life in ready and self.fork.poll() is not None:
                self.fork.close(PATIENCE)
                self._read(shown)
                raise Stopped(None if interrupted else self.fork.returncode)
            if time.monotonic() < ends:
                continue
            if interrupted:
                self.fork.close()
                raise Stopped()
            interrupted, ends = True, time.monotonic() + PATIENCE
            self.fork.send_signal(signal.SIGINT)  # let it say where it stands

    def _hear(self):
        """The next message; None when there will be none."""
        try:
            return json.loads(self.fork.talk.recv_bytes())
        except (EOFError, OSError):
            return None

    def _read(self, shown):
        """Take what is printed by now; a cell that prints faster than we read is left for the next turn."""
        for descriptor, (name, decoder) in list(self.printed.items()):
            for _ in range(16):
                try:
                    text = os.read(descriptor, 1 << 20)
                except BlockingIOError:
                    break
                if not text:  # nobody can print there any more
                    os.close(descriptor)
                    del self.printed[descriptor]
                    break
                shown.printed(name, decoder.decode(text))


def _left(ends):
    return None if ends == float("inf") else max(0.0, ends - time.monotonic())


class _Shown:
    """Outputs of a cell as they come, by the rules of Jupyter's clients."""

    def __init__(self, outputs, displayed, copy):
        self.outputs, self.displayed, self.clear_next = outputs, displayed, False
        self.copy = dict(zip(("stdout", "stderr", "log"), copy))

    def take(self, message):
        """Add what a message of the session shows."""
        kind, content = message.pop("kind"), message
        if kind == "read":
            return
        if kind == "clear":
            self.clear_next = content["wait"]
            if not content["wait"]:
                self.outputs.clear()
            return
        display_id = content.pop("display_id", None)
        if kind == "update":
            for output in self.displayed.get(display_id, []):
                output.update(nbformat.from_dict({"data": content["data"], "metadata": content["metadata"]}))
            return
        output = nbformat.from_dict({"output_type": {"display": "display_data", "result": "execute_result"}.get(kind, kind), **content})
        self._add(output)
        if display_id:
            self.displayed.setdefault(display_id, []).append(output)

    def printed(self, name, text):
        """Add printed text to the last output if that is of the same stream."""
        if not text:
            return
        if self.copy.get(name):
            self.copy[name].write(text)
            self.copy[name].flush()
        if self.copy.get("log"):
            (self.copy["log"].info if name == "stdout" else self.copy["log"].warning)(text)
        last = self.outputs[-1] if self.outputs and not self.clear_next else None
        if last is not None and last.output_type == "stream" and last.name == name:
            last.text += text
        else:
            self._add(nbformat.v4.new_output("stream", name=name, text=text))

    def _add(self, output):
        if self.clear_next:
            self.outputs.clear()
            self.clear_next = False
        self.outputs.append(output)
