"""Papermill's record of a running notebook, and the loop over its cells."""

from __future__ import annotations

import platform
import signal
import time

import nbformat
from nbclient.exceptions import CellTimeoutError, DeadKernelError
from papermill.engines import NotebookExecutionManager

from delight.kernels.notebook import Stopped

#: What a notebook's metadata say of its language.
LANGUAGE = {
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


def run(record, session, cell_timeout, notebook_ends, copy):
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
        except Stopped as why:
            record.cell_exception(cell, cell_index=index)
            error = _error(why.status, index, cell_timeout if ends < notebook_ends else None)
            cell.outputs.append(nbformat.v4.new_output("error", ename=type(error).__name__, evalue=str(error), traceback=[str(error)]))
            raise error from None
        finally:
            record.cell_complete(cell, cell_index=index)


def _error(status, index, cell_timeout):
    """The exception of nbclient that says how a cell was stopped."""
    where = f"in cell {index + 1}"
    if status is None:
        limit = f"a cell may take {cell_timeout:g} s" if cell_timeout else "the time for the whole notebook was over"
        return CellTimeoutError(f"Time was over {where}: {limit}.")
    how = f"killed by {signal.Signals(-status).name}" if status < 0 else f"it ended with status {status}"
    return DeadKernelError(f"The kernel died {where}: {how}.")
