"""One look for every figure: fonts, sizes and colours that work in print and for colour-blind readers."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

#: Okabe & Ito (2008), toned for print. Keys are meanings, so that a colour never changes its meaning between figures.
COLOURS = {
    "ink": "#1f2933",
    "soft": "#5f6b76",
    "grid": "#d9dee3",
    "pale": "#eef1f4",
    "main": "#1b5e8c",
    "second": "#d1761c",
    "third": "#2a8c74",
    "fourth": "#a2558f",
    "fifth": "#8a8f2a",
    "delighted": "#1b5e8c",
    "satisfied": "#a9bfd1",
    "dissatisfied": "#d1761c",
    "basis": "#d1761c",
    "beleving": "#5f6b76",
    "bijzonder": "#1b5e8c",
}
CYCLE = [COLOURS[k] for k in ("main", "second", "third", "fourth", "fifth", "soft")]
FONTS = Path(__file__).parent / "fonts"
MM = 1 / 25.4

_RC = {
    "font.size": 8.5,
    "axes.titlesize": 9.5,
    "axes.labelsize": 8.5,
    "axes.labelcolor": COLOURS["ink"],
    "axes.edgecolor": COLOURS["soft"],
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.grid": False,
    "grid.color": COLOURS["grid"],
    "grid.linewidth": 0.6,
    "xtick.color": COLOURS["soft"],
    "ytick.color": COLOURS["soft"],
    "xtick.labelcolor": COLOURS["ink"],
    "ytick.labelcolor": COLOURS["ink"],
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
    "legend.frameon": False,
    "legend.fontsize": 8,
    "text.color": COLOURS["ink"],
    "lines.linewidth": 1.4,
    "svg.fonttype": "none",
    "text.parse_math": False,  # a dollar sign in a client's label is a dollar sign
    "figure.dpi": 100,
}


#: Shipped families (fonts/README.md): text and figures, headings.
SANS, SERIF = "Delight Sans", "Delight Serif"


def contrast(one, other):
    """Contrast ratio of two colours (WCAG 2)."""
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour):
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    r, g, b = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * r + 0.7152 * g + 0.0722 * b


def on(colour):
    """Colour of text that reads well on `colour`: white, or ink where white would be too faint."""
    return "#ffffff" if contrast(colour, "#ffffff") >= 4.5 else COLOURS["ink"]


@lru_cache
def family():
    """Name of the shipped font family, registered with matplotlib at the first call so that it measures text as the page will show it."""
    from matplotlib import font_manager

    manager = font_manager.fontManager
    for path in sorted(FONTS.glob("*.ttf")):
        manager.addfont(str(path))
    manager.ttflist += [replace(face, weight=700) for face in manager.ttflist if face.name == SANS and face.weight == 600]  # our bold
    return SANS


@lru_cache
def _measured():
    from matplotlib.ft2font import FT2Font

    font = FT2Font(str(FONTS / "DelightSans-Regular.ttf"))
    font.set_size(100, 72)
    return font


@lru_cache(maxsize=4096)
def _advance(character):
    font = _measured()
    known = font.get_char_index(ord(character))
    return font.load_glyph(known).linearHoriAdvance / 65536 / 100 if known else 0.6


def width(text):
    """How wide a text runs on the page, in ems."""
    return sum(map(_advance, text))


@contextmanager
def figure(width_mm, height_mm, *, salt="delight"):
    """A figure with one axes in the shared theme, drawn without pyplot: yields (figure, ax)."""
    import matplotlib
    from cycler import cycler
    from matplotlib.figure import Figure

    with matplotlib.rc_context(
        {**_RC, "font.family": [family(), "DejaVu Sans"], "axes.prop_cycle": cycler(color=CYCLE), "svg.hashsalt": salt}
    ):
        drawn = Figure(figsize=(width_mm * MM, height_mm * MM), layout="constrained")
        yield drawn, drawn.subplots()
