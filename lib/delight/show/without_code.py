"""Notebooks shown without code: Voilà with our template, whose pages ask nothing of other machines."""

from __future__ import annotations

import os
from pathlib import Path

#: Extensions that only JupyterLab has a place for.
_WITHOUT = ("@jupyter/nbgrader", "@jupyter-notebook/lab-extension")


def command(folder, *, without=()):
    """Module and options that serve the notebooks of a folder, without further extensions; they need `environment`."""
    options = [f"--VoilaConfiguration.extension_denylist={name}" for name in (*_WITHOUT, *without)]
    return ["voila", str(folder), "--strip_sources=True", "--template=delight", *options]


def environment(environment):
    """An environment in which Voilà finds our template."""
    ours = Path(__file__).parent / "widgets" / "jupyter"
    paths = [str(ours), *filter(None, [environment.get("JUPYTER_PATH")])]
    return {**environment, "JUPYTER_PATH": os.pathsep.join(paths)}
