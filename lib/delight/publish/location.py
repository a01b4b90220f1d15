"""The report of one location starts from the finished tables of the whole: models are fitted once, and suppressed once."""

from __future__ import annotations

from dataclasses import replace

from delight.errors import InputError, Mistakes, did_you_mean
from delight.feedback.locations import locations_of
from delight.publish import chain, manifest
from delight.publish.order import planned_locations


def whole_first(order, make, *, patience=0.0, say=lambda text: None):
    """See to it that the tables of the whole stand finished; run the whole where they are missing or no longer hold.

    Parameters
    ----------
    order : Order
        Of a location.
    make : function
        `delight.publish.run.make`.
    patience : float
        Seconds to wait for another run of the whole.
    say : function of str

    Raises
    ------
    InputError
        Nobody answered at this location, nor does units.csv know it.
    """
    whole = whole_order(order)
    if manifest.finished(whole) is None:
        what = "are out of date" if (whole.work / "plan.parquet").is_file() else "are not there yet"
        must_be_named(order.study, [order.location])
        say(f"The tables of the whole organisation, from which every location report starts, {what}: the whole is run first.")
        make(whole, resume=True, patience=patience, say=say)
    _known(order.location, {*order.study.units, *planned_locations(whole.work)})


def must_be_named(study, locations):
    """See to it that the raw files name these locations, where no units.csv lists them.

    Raises
    ------
    InputError
        Every location that nobody answered at.
    """
    if study.units or not locations or not study.column("location"):
        return
    mistakes, known = Mistakes(), locations_of(study)
    for location in locations:
        with mistakes:
            _known(location, known)
    mistakes.raise_all()


def _known(location, known):
    if location not in known:
        listed = f" There are: {', '.join(sorted(known)[:10])}{' …' if len(known) > 10 else ''}." if known else ""
        raise InputError(f"No response is from location '{location}'.{did_you_mean(location, known)}{listed}")


def whole_order(order):
    """The order of the whole that a location's report rests on.

    Where the location's order sets no parameter of the whole, a finished whole is taken with the parameters and chapters it was run with.
    """
    chapters = tuple(c for c in chain.chapters(order.root) if c.fits(""))
    whole = replace(order, location="", chapters=chapters, chosen=chapters)
    try:
        found = manifest.read(whole.target)
    except (OSError, ValueError):
        return whole
    if any(order.settings.get(c.file) for c in chapters):
        return whole
    left_out = {c["file"] for c in found.get("chapters", []) if c["status"] == "not_run"}
    needed = ("feedback", "satisfaction")
    chosen = tuple(c for c in chapters if c.file not in left_out or c.name in needed)
    settings = {**order.settings, **{c.file: found.get("parameters", {}).get(c.file, {}) for c in chapters}}
    return replace(whole, chosen=chosen, settings=settings)
