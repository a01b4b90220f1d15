"""An engine for papermill that runs a notebook in a fork of a process with the libraries imported: ``papermill --engine delight in out``.

Against papermill's own engine: no kernel is started, no socket opened; the notebook is saved once, at its end or at its failure; the end
takes milliseconds; a cell and the whole notebook may be given a time; the death of the process is told at once, with its cell; temporary
files of the notebook go with it. Where no fork can be had an ordinary kernel runs it, and the notebook's metadata say why
(``metadata.papermill.cold``).
"""

from __future__ import annotations

import codecs
import json
import os
import platform
import signal
import tempfile
import time
from contextlib import contextmanager
from multiprocessing import connection

import nbformat
from nbclient.exceptions import CellTimeoutError, DeadKernelError
from papermill.engines import NBClientEngine, NotebookExecutionManager, papermill_engines
from papermill.log import logger

from delight.kernels import LIBRARIES, SESSION, warm

#: Name of the engine in papermill.
NAME = "delight"
#: How long an interrupted cell has to say where it stood, and an ended notebook to leave by itself, in seconds.
PATIENCE = 2.0
_LANGUAGE = {
    "name": "python",
    "version": platform.python_version(),
    "mimetype": "text/x-python",
    "file_extension": ".py",
    "pygments_lexer": "ipython3",
    "nbconvert_exporter": "python",
    "codemirror_mode": {"name": "ipython", "version": 3},
}


class SavedOnce(NotebookExecutionManager):
    """Papermill's record of a running notebook, written when it has ended."""

    @property
    def ended(self):
        return self.end_time is not None

    def save(self, nb=None, **_):
        self.nb = nb or self.nb
        if self.ended:
            super().save()

    def autosave_cell(self, nb=None):
        self.nb = nb or self.nb


class Engine(NBClientEngine):
    """Runs a notebook in a fork; options beyond papermill's as in `execute_managed_notebook`."""

    @classmethod
    def execute_notebook(cls, nb, kernel_name, output_path=None, progress_bar=True, log_output=False, autosave_cell_every=0, **options):
        """As papermill's, but saving once."""
        record = SavedOnce(nb, output_path=output_path, progress_bar=progress_bar, log_output=log_output)
        record.notebook_start()
        try:
            cls.execute_managed_notebook(record, kernel_name, log_output=log_output, **options)
        finally:
            record.cleanup_pbar()
            record.notebook_complete()
        return record.nb

    @classmethod
    def execute_managed_notebook(
        cls,
        nb_man,
        kernel_name,
        *,
        execution_timeout=None,
        notebook_timeout=None,
        environment=None,
        modules=LIBRARIES,
        cold=False,
        log_output=False,
        stdout_file=None,
        stderr_file=None,
        start_timeout=60,
        **options,
    ):
        """Run the notebook.

        Parameters
        ----------
        nb_man : NotebookExecutionManager
        kernel_name : str
            ``python3`` is forked; another kernel is started as Jupyter does.
        execution_timeout, notebook_timeout : float, optional
            Longest a cell, and the whole notebook, may take, in seconds.
        environment : dict of str to str, optional
            Variables the notebook sees beside this process's.
        modules : sequence of str
            Imported once, before the first fork.
        cold : bool
            Start an ordinary kernel.
        log_output, stdout_file, stderr_file, start_timeout, **options
            As papermill's own engine takes them.

        Raises
        ------
        nbclient.exceptions.DeadKernelError
            The process died.
        nbclient.exceptions.CellTimeoutError
            A cell, or the notebook, ran out of time.
        """
        notebook_ends = time.monotonic() + (notebook_timeout or float("inf"))
        copy = [stdout_file, stderr_file, logger if log_output else None]
        with tempfile.TemporaryDirectory(prefix="notebook-", ignore_cleanup_errors=True) as temporary:
            environment = {**(environment or {}), "TMPDIR": temporary}
            try:
                if cold or kernel_name not in ("python3", None):
                    raise warm.Cold("it was asked for" if cold else f"the notebook asks for the kernel '{kernel_name}'")
                with Session(environment, modules) as session:
                    nb_man.nb.metadata["language_info"] = _LANGUAGE
                    _run(nb_man, session, execution_timeout or float("inf"), notebook_ends, copy)
            except warm.Cold as why:
                nb_man.nb.metadata.papermill["cold"] = str(why)
                with _environment(environment):
                    super().execute_managed_notebook(
                        nb_man,
                        kernel_name,
                        log_output=log_output,
                        stdout_file=stdout_file,
                        stderr_file=stderr_file,
                        start_timeout=start_timeout,
                        timeout_func=lambda cell: int(max(1, min(execution_timeout or 1e9, notebook_ends - time.monotonic()))),
                        shutdown_kernel="immediate",
                        **options,
                    )


papermill_engines.register(NAME, Engine)


def _run(record, session, cell_timeout, notebook_ends, copy):
    """Run cell by cell, keeping papermill's record, up to the first that fails."""
    for index, cell in enumerate(record.nb.cells):
        if cell.cell_type != "code":
            record.cell_start(cell, index)
            record.cell_complete(cell, cell_index=index)
            continue
        record.cell_start(cell, index)
        ends = min(time.monotonic() + cell_timeout, notebook_ends)
        try:
            failed = cell.source.strip() and session.run(cell, ends, copy) and "raises-exception" not in cell.metadata.get("tags", [])
            if failed:
                record.cell_exception(cell, cell_index=index)
                return
        except _Stopped as why:
            record.cell_exception(cell, cell_index=index)
            error = why.error(cell, index, cell_timeout if ends < notebook_ends else None)
            cell.outputs.append(nbformat.v4.new_output("error", ename=type(error).__name__, evalue=str(error), traceback=[str(error)]))
            raise error from None
        finally:
            record.cell_complete(cell, cell_index=index)


class _Stopped(Exception):
    """The process died (`status`), or its time was over (status None)."""

    def __init__(self, status=None):
        self.status = status

    def error(self, cell, index, cell_timeout):
        """The exception of nbclient that says so."""
        where = f"in cell {index + 1}"
        if self.status is None:
            limit = f"a cell may take {cell_timeout:g} s" if cell_timeout else "the time for the whole notebook was over"
            return CellTimeoutError(f"Time was over {where}: {limit}.")
        how = f"killed by {signal.Signals(-self.status).name}" if self.status < 0 else f"it ended with status {self.status}"
        return DeadKernelError(f"The kernel died {where}: {how}.")


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
        self.fork.close(PATIENCE)
        self._close_pipes()

    def _close_pipes(self):
        for descriptor in (self.confirm, *self.printed):
            os.close(descriptor)

    def run(self, cell, ends, copy=()):
        """Run a cell, putting its outputs into it as they come; whether it failed.

        Parameters
        ----------
        cell : NotebookNode
        ends : float
            When its time is over, on the monotonic clock.
        copy : sequence
            Where to copy what is printed: a file for output, one for errors, a logger; each may be None.
        """
        shown = _Shown(cell.outputs, self.displayed, copy)
        self.fork.talk.send_bytes(json.dumps({"source": cell.source}).encode())
        interrupted = False
        while True:
            ready = connection.wait([self.fork.talk, self.fork.life, *self.printed], _left(ends))
            self._read(shown)
            if self.fork.talk in ready and (message := self._hear()):
                self._read(shown)  # what was printed before it was told
                os.write(self.confirm, b".")
                if message["kind"] == "done":
                    cell.execution_count = message["execution_count"]
                    if interrupted:
                        raise _Stopped()
                    return message["failed"]
                shown.take(message)
            elif self.fork.life in ready and self.fork.poll() is not None:
                self._read(shown)
                raise _Stopped(None if interrupted else self.fork.returncode)
            elif not ready and interrupted:
                self.fork.close()
                raise _Stopped()
            elif not ready:  # let it say where it stands
                interrupted, ends = True, time.monotonic() + PATIENCE
                self.fork.send_signal(signal.SIGINT)

    def _hear(self):
        """The next message; None when the process is gone, of which `life` will tell."""
        try:
            return json.loads(self.fork.talk.recv_bytes())
        except (EOFError, OSError):
            self.fork.poll(PATIENCE)
            return None

    def _read(self, shown):
        for descriptor, (name, decoder) in self.printed.items():
            while True:
                try:
                    text = os.read(descriptor, 1 << 20)
                except BlockingIOError:
                    break
                if not text:
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


@contextmanager
def _environment(variables):
    """Variables set for a while, so that a kernel started meanwhile inherits them."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update({name: str(value) for name, value in variables.items()})
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name, None) if value is None else os.environ.__setitem__(name, value)
