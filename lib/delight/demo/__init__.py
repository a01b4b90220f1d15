"""An invented childcare provider with planted truth: the demo study, in any size and three languages."""

from delight.demo.generate import Demo, generate
from delight.demo.truth import Truth

__all__ = ["Demo", "Truth", "generate"]
