"""A store has no locks: a batch that writes to one says aloud which studies it is at, and keeps saying so while it runs.

A claim is a small object in the store, renewed by its batch. A batch writes its claim and then looks for others: of two that want the
same study, the one that looks last sees both, so never do both go on. A claim that is not renewed any more has lost its batch and is
removed; the ages of claims are told by the store's clock alone. Workers look before they send whether their batch's claim still stands.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import socket
import threading
import time
import uuid

from delight.errors import RunError

#: Where claims lie in a store, out of readers' sight.
FOLDER = ".work/.claims"
#: Seconds that a claim holds after it was renewed, and between two renewals.
HOLDS, RENEWED = 60.0, 10.0


@contextlib.contextmanager
def held(place, name, studies):
    """Claim studies of a store for the duration of the block; yields the claim, which workers are given.

    Parameters
    ----------
    place : delight.publish.batch.store.Mirror
    name : str
        The batch's, which no other may have meanwhile: its overview would be overwritten.
    studies : iterable of str

    Raises
    ------
    RunError
        Exit code 5: another batch is at one of them.
    """
    claim = f"{FOLDER}/{uuid.uuid4().hex}.json"
    about = {"batch": name, "studies": sorted(set(studies)), "host": socket.gethostname(), "process": os.getpid(), "held": False}
    _take(place, claim, about)
    about["held"] = True
    _write(place, claim, about)
    ended = threading.Event()
    keeper = threading.Thread(target=_renew, args=(place, claim, about, ended), daemon=True)
    keeper.start()
    try:
        yield claim
    finally:
        ended.set()
        keeper.join(timeout=RENEWED)
        with contextlib.suppress(RunError, FileNotFoundError):
            place.remove(claim)


def _take(place, claim, about):
    """Write the claim, unless another stands: one that is renewed is respected, one whose batch may be dead is waited for until it ends."""
    seen, until = {}, time.monotonic() + HOLDS + RENEWED
    while True:
        _write(place, claim, about)
        rivals = _rivals(place, claim, about)
        if not rivals:
            return
        place.remove(claim)
        alive = next(
            (found for name, found in rivals.items() if found["held"] and found["renewed"] != seen.get(name, found)["renewed"]), None
        )
        if alive or time.monotonic() > until:
            other = alive or next(iter(rivals.values()))
            who = f"'{other['batch']}' (process {other['process']} on {other['host']}, studies {', '.join(other['studies'])})"
            say = f"Another batch writes to {place.shown} at this moment: {who}. Wait for it, or end it."
            raise RunError(f"{say} The claim of one that was killed ends after {HOLDS:.0f} s.", exit_code=5)
        seen = rivals
        time.sleep(random.uniform(0.1, 0.3) * RENEWED)


def _rivals(place, claim, about):
    """Claims that stand beside this one and share a study or the name: {claim: what it says, and when it was renewed}."""
    now, found = place.modified(claim), {}
    for name in place.names(FOLDER):
        try:
            other = {**json.loads(place.read(name)), "renewed": place.modified(name)}
        except FileNotFoundError:  # it has just ended
            continue
        if name == claim or not (about["batch"] == other["batch"] or set(about["studies"]) & set(other["studies"])):
            continue
        if now and other["renewed"] and (now - other["renewed"]).total_seconds() > HOLDS:
            with contextlib.suppress(FileNotFoundError):
                place.remove(name)
        else:
            found[name] = other
    return found


def _write(place, claim, about):
    place.write(claim, json.dumps(about).encode("utf-8"))


def _renew(place, claim, about, ended):
    """Say again and again that the batch is alive; a claim that another batch took for dead is not taken back."""
    while not ended.wait(RENEWED):
        with contextlib.suppress(RunError):  # the store stumbles: once more later
            if not place.exists(claim):
                return
            _write(place, claim, about)
