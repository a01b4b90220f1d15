"""What customers say in their own words."""

from delight.comments.concordance import concordance, understood

__all__ = ["concordance", "understood"]
