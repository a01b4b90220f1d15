"""Live exploration: thin skins over library functions, usable alone in any notebook.

>>> from delight.show import widgets
>>> here = widgets.open_study("kinderopvang-demo")                                      # doctest: +SKIP
>>> here.satisfaction()                                                                 # doctest: +SKIP
>>> data = widgets.Data(responses, by=["location"], words=words, scales=scales)         # doctest: +SKIP
>>> widgets.SatisfactionExplorer(data, overall="overall")                               # doctest: +SKIP

What a widget does not need is not imported: the first view comes soon after the kernel.
"""

from importlib import import_module

_PLACES = {
    "Data": "data",
    "FilterBar": "filters",
    "open_study": "opened",
    "SatisfactionExplorer": "satisfaction",
    "SegmentExplorer": "segments",
    "TypingForm": "typing_form",
    "LoyaltyExplorer": "loyalty",
    "DriverExplorer": "drivers",
    "WhatIf": "what_if",
    "CommentBrowser": "comments",
    "CodebookEditor": "codebook",
    "about": "texts",
}
__all__ = sorted(_PLACES)


def __getattr__(name):
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_PLACES[name]}"), name)
