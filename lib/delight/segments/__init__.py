"""Which kinds of customers are there, by what they need?"""

from delight.segments.agreement import against
from delight.segments.members import composition, measures, membership, outcomes, who
from delight.segments.model import SegmentModel, assign
from delight.segments.segmentation import Segmentation, describe, find
from delight.segments.typing import Typing, TypingTool, golden

__all__ = [
    "SegmentModel",
    "Segmentation",
    "Typing",
    "TypingTool",
    "against",
    "assign",
    "composition",
    "describe",
    "find",
    "golden",
    "measures",
    "membership",
    "outcomes",
    "who",
]
