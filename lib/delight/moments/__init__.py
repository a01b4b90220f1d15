"""Sums and counts that stand for the rows they were made from, so that a hundred million rows cost one pass (method M39)."""

from delight.moments.counts import Counts, counts
from delight.moments.source import Source
from delight.moments.table import Moments, moments
from delight.moments.terms import ONE, Term

__all__ = ["ONE", "Counts", "Moments", "Source", "Term", "counts", "moments"]
