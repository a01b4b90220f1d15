"""Other packages for the same jobs, in an environment of their own, so that nothing of theirs is needed here.

`python benchmarks/peers.py` says which of them can be installed.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

PACKAGES = ("dominance-analysis", "relativeImp", "ShapKa", "stepmix")
WHERE = Path(__file__).resolve().parents[1] / "artefacts" / "peers"


def environment():
    """(its Python, names of the packages in it); (None, []) where nothing can be installed."""
    python = WHERE / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    uv = Path(sys.executable).with_name("uv")
    try:
        if not python.exists():
            subprocess.run([sys.executable, "-m", "venv", str(WHERE)], check=True, capture_output=True)
        install = [str(uv), "pip", "install", "-q", "--python", str(python)] if uv.exists() else [str(python), "-m", "pip", "install", "-q"]
        there = [p for p in PACKAGES if _has(python, p) or subprocess.run([*install, p], capture_output=True, timeout=600).returncode == 0]
    except (OSError, subprocess.SubprocessError) as error:
        print(f"No environment for peers: {error}")
        return None, []
    return python, there


def _has(python, package):
    code = f"import importlib.metadata as m; m.version({package!r})"
    return subprocess.run([str(python), "-c", code], capture_output=True).returncode == 0


def run(python, code, *arguments):
    """What `code` prints last, as JSON; None (with the reason printed) where it fails."""
    done = subprocess.run([str(python), "-W", "ignore", "-c", code, *map(str, arguments)], capture_output=True, text=True)
    if done.returncode:
        print("skipped:", (done.stderr.strip().splitlines() or ["failed"])[-1])
        return None
    return json.loads(done.stdout.strip().splitlines()[-1])


if __name__ == "__main__":
    found = environment()[1]
    for name in PACKAGES:
        print(f"{name}: {'installed' if name in found else 'not installable'}")
