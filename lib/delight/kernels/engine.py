"""An engine for papermill that runs a notebook in a fork of a process with the libraries imported: ``papermill --engine delight in out``.

Against papermill's own engine: no kernel is started, no socket opened; the notebook is saved once, at its end or at its failure; the end
takes milliseconds; a cell and the whole notebook may be given a time; the death of the process is told at once, with its cell; temporary
files of the notebook go with it. Where no fork can be had an ordinary kernel runs it, and the notebook's metadata say why
(``metadata.papermill.cold``).
"""

from __future__ import annotations

import os
import tempfile
import time
from contextlib import contextmanager

from delight.kernels import LIBRARIES, warm
from delight.kernels.notebook import Session

#: Name of the engine in papermill.
NAME = "delight"


class Engine:
    """Runs a notebook in a fork; options beyond papermill's as in `execute_managed_notebook`.

    It imports papermill when it is used, as papermill imports it while it is itself imported.
    """

    @classmethod
    def nb_kernel_name(cls, nb, name=None):
        """The kernel a notebook asks for."""
        from papermill.utils import nb_kernel_name

        return nb_kernel_name(nb, name)

    @classmethod
    def nb_language(cls, nb, language=None):
        """The language a notebook is in."""
        from papermill.utils import nb_language

        return nb_language(nb, language)

    @classmethod
    def execute_notebook(cls, nb, kernel_name, output_path=None, progress_bar=True, log_output=False, autosave_cell_every=0, **options):
        """As papermill's, but saving once."""
        from delight.kernels.record import SavedOnce

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
        from papermill.engines import NBClientEngine
        from papermill.log import logger

        from delight.kernels import record

        notebook_ends = time.monotonic() + (notebook_timeout or float("inf"))
        copy = [stdout_file, stderr_file, logger if log_output else None]
        with tempfile.TemporaryDirectory(prefix="notebook-", ignore_cleanup_errors=True) as temporary:
            environment = {**(environment or {}), "TMPDIR": temporary}
            try:
                if cold or kernel_name not in ("python3", None):
                    raise warm.Cold("it was asked for" if cold else f"the notebook asks for the kernel '{kernel_name}'")
                with Session(environment, modules) as session:
                    nb_man.nb.metadata["language_info"] = record.LANGUAGE
                    record.run(nb_man, session, execution_timeout or float("inf"), notebook_ends, copy)
            except warm.Cold as why:
                nb_man.nb.metadata.papermill["cold"] = str(why)
                with _environment(environment):
                    NBClientEngine.execute_managed_notebook(
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
