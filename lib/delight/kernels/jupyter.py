"""In the fork: Jupyter's own kernel, for `delight.kernels.provisioner`."""

from __future__ import annotations

import os
import sys

from delight.kernels import figures


def run(talk, ready, *arguments):
    """Be ``python -m ipykernel_launcher ARGUMENT…`` until told to shut down."""
    from ipykernel import kernelapp

    talk.close()
    os.environ["JPY_PARENT_PID"] = str(os.getppid())
    sys.argv = ["ipykernel_launcher", *arguments]
    app = kernelapp.IPKernelApp.instance(parent_handle=os.getppid())
    app.initialize([*arguments])
    figures.once(app.shell)
    ready()
    app.start()
