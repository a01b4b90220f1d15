"""The library behind the Delight Workbook: from raw customer feedback to what delights."""

__version__ = "0.1.0"
