"""Claims of the literature on customer delight, tested on a client's own survey."""

from delight.claims.book import assess, conflicts
from delight.claims.ledger import read
from delight.claims.survey import Survey

__all__ = ["Survey", "assess", "conflicts", "read"]
