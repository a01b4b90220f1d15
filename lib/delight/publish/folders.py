"""Run folders that change in one step: built aside, swapped in under a lock, whole after a kill at any moment."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import shutil
import time
import uuid
from pathlib import Path

from delight.errors import RunError

#: Error numbers of a disk without space, and of a user's share that is used up.
DISK_FULL = (errno.ENOSPC, errno.EDQUOT)

_EXCHANGE = 2
_HERE = -100


def swap(new, target):
    """Put folder `new` in the place of `target`; what was there is removed.

    On Linux both names are exchanged by one system call, so a reader always finds a whole folder. Elsewhere two renames do it,
    and `recover` repairs a kill between them.
    """
    new, target = Path(new), Path(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    if not target.exists():
        os.rename(new, target)
        return
    if _exchange(new, target):
        shutil.rmtree(new, ignore_errors=True)
        return
    old = aside(target, "old")
    os.rename(target, old)
    os.rename(new, target)
    shutil.rmtree(old, ignore_errors=True)


def _exchange(one, other):
    """Exchange two folders atomically; False where the system cannot."""
    try:
        renameat2 = ctypes.CDLL(None, use_errno=True).renameat2
    except (OSError, AttributeError):
        return False
    done = renameat2(_HERE, os.fsencode(one), _HERE, os.fsencode(other), _EXCHANGE) == 0
    if not done and ctypes.get_errno() not in (errno.ENOSYS, errno.EINVAL, errno.ENOTSUP):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), str(other))
    return done


def aside(target, kind="new"):
    """A name beside `target`, hidden and unique, for building or keeping."""
    return target.with_name(f".{target.name}.{kind}-{uuid.uuid4().hex[:8]}")


def recover(target):
    """Under the lock: bring back a folder that a kill left renamed, and remove what was left half built."""
    target = Path(target)
    if not target.parent.is_dir():
        return
    old = sorted(target.parent.glob(f".{target.name}.old-*"))
    if old and not target.exists():
        os.rename(old.pop(0), target)
    for leftover in [*old, *target.parent.glob(f".{target.name}.new-*")]:
        shutil.rmtree(leftover, ignore_errors=True)


@contextlib.contextmanager
def lock(path, what, *, patience=0.0):
    """Hold an exclusive lock on `path` for the duration of the block; it goes with the process.

    Parameters
    ----------
    path : Path
    what : str
        What is locked, for the message.
    patience : float
        Seconds to wait for somebody else who holds it.

    Raises
    ------
    RunError
        Exit code 5: somebody else holds it still.
    """
    path = Path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.open("w")
    except (OSError, ValueError) as error:
        raise unwritable(path.parent, error) from None
    with file:
        until = time.monotonic() + patience
        while not _take(file):
            if time.monotonic() >= until:
                raise RunError(f"{what} is being made by another run at this moment. Wait for it, or end it.", exit_code=5)
            time.sleep(0.2)
        yield


def _take(file):
    """Take the lock if nobody holds it; whether it was taken."""
    try:
        import fcntl
    except ImportError:  # Windows
        import msvcrt

        take = lambda: msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)  # noqa: E731
    else:
        take = lambda: fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)  # noqa: E731
    try:
        take()
    except OSError:
        return False
    return True


def unwritable(folder, error):
    """The error for a folder that cannot be written, with what to do."""
    remedy = "Free some space" if getattr(error, "errno", 0) in DISK_FULL else "Choose another folder with --out, or change its permissions"
    return RunError(f"Cannot write to {folder}: {getattr(error, 'strerror', '') or error}. {remedy}, then run again.", exit_code=5)
