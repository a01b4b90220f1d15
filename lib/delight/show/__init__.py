"""From results to what people see: words, readings, tables, figures, widgets."""

from delight.show.blocks import Block, Saved, figure, note, reading, table
from delight.show.words import LANGUAGES, Words

__all__ = ["LANGUAGES", "Block", "Saved", "Words", "figure", "note", "reading", "table"]
