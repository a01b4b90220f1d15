"""Forked kernels for Jupyter: ``JUPYTER_DEFAULT_PROVISIONER_NAME=warm-provisioner``, or in a kernelspec::

    "metadata": {"kernel_provisioner": {"provisioner_name": "warm-provisioner"}}

JupyterLab, nbclient and papermill then start Python kernels in a fraction of a second. In everything else they are as Jupyter's own.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from contextlib import ExitStack

from jupyter_client.provisioning import LocalProvisioner
from traitlets import Float, List, Unicode, default

from delight.kernels import KERNEL, LIBRARIES, warm

NAME = "warm-provisioner"


class WarmProvisioner(LocalProvisioner):
    """Asks for a fork, and starts an ordinary kernel, saying why, where none is to be had."""

    modules = List(Unicode(), help="Imported once, before the first kernel.").tag(config=True)
    start_timeout = Float(30.0, help="Seconds a forked kernel has to come up.").tag(config=True)

    @default("modules")
    def _modules(self):
        return list(LIBRARIES)

    async def launch_kernel(self, cmd, **options):
        arguments = _arguments(cmd)
        if arguments is None:
            return await super().launch_kernel(cmd, **options)
        try:
            self.process = await asyncio.to_thread(self._fork, arguments, options)
        except (warm.Cold, OSError) as why:
            self.log.warning("Starting an ordinary kernel: %s.", why)
            return await super().launch_kernel(cmd, **options)
        self.pid = self.pgid = self.process.pid
        self.cwd = str(options.get("cwd") or os.getcwd())
        return self.connection_info

    def _fork(self, arguments, options):
        with ExitStack() as ours:
            stdio, mine = _stdio(options, ours)
            try:
                made = warm.fork(
                    "delight.kernels.jupyter",
                    *arguments,
                    modules=(*self.modules, *KERNEL),
                    environment=options.get("env"),
                    cwd=options.get("cwd"),
                    stdio=stdio,
                )
            except BaseException:
                for file in mine.values():
                    file.close()
                raise
        vars(made).update(mine)
        if not made.wait_ready(self.start_timeout) and made.returncode is None:
            made.close()
            raise warm.Cold(f"the forked one did not come up within {self.start_timeout:g} s")
        return made

    async def wait(self):
        """Wait for the kernel's end, looking often at first: most are gone at once."""
        status, pause = 0, 0.002
        if self.process:
            while (status := await self.poll()) is None:
                await asyncio.sleep(pause)
                pause = min(pause * 1.5, 0.1)
            for name in ("stdin", "stdout", "stderr"):
                if file := getattr(self.process, name):
                    file.close()
            self.process = None
        return status


def _arguments(cmd):
    """What comes after ``python -m ipykernel_launcher``; None if this is not how our own interpreter would be called."""
    python, *rest = [word for word in cmd if not word.startswith("-X")]
    same = os.path.abspath(python) == os.path.abspath(sys.executable)
    return rest[2:] if same and rest[:2] in (["-m", "ipykernel_launcher"], ["-m", "ipykernel"]) else None


def _stdio(options, ours):
    """Descriptors for the kernel, as `subprocess.Popen` reads ``stdin=…``, and our ends of its pipes; `ours` closes what we opened."""
    descriptors, mine = [], {}
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        given = options.get(name)
        if given == subprocess.DEVNULL:
            given = os.open(os.devnull, os.O_RDWR)
            ours.callback(os.close, given)
        elif given == subprocess.STDOUT:
            given = 1 if descriptors[1] is None else descriptors[1]
        elif given == subprocess.PIPE:
            read, write = os.pipe()
            given, left = (write, read) if number else (read, write)
            ours.callback(os.close, given)
            mine[name] = os.fdopen(left, "rb" if number else "wb", 0)
        elif given is not None and not isinstance(given, int):
            given = given.fileno()
        descriptors.append(given)
    return descriptors, mine
