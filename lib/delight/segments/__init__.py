"""Which kinds of customers are there, by what they need?"""

from delight.segments.agreement import against
from delight.segments.members import composition, measures, outcomes, who
from delight.segments.model import SegmentModel, assign
from delight.segments.segmentation import Segmentation, describe, find

__all__ = ["SegmentModel", "Segmentation", "against", "assign", "composition", "describe", "find", "measures", "outcomes", "who"]
