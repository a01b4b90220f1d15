"""Each figure of a notebook drawn once.

As Jupyter does it a figure is drawn three times: pyplot draws every figure that changed after a cell, and the inline backend then
draws it twice, first to measure the margins it cuts off (``bbox_inches="tight"``), then to keep. Here it is drawn once and the margins
are cut from the picture. Only what sticks out of its figure is drawn again, on a larger sheet.
"""

from __future__ import annotations

import io
import sys
from base64 import b64encode


def prepare():
    """Draw once before the fork, without pyplot (its backend is chosen in the fork), so that fonts are found and caches filled."""
    if "matplotlib" in sys.modules:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure

        figure = Figure()
        FigureCanvasAgg(figure)
        ax = figure.add_subplot(title="Warm", xlabel="x")
        ax.plot([0, 1], [0, 1], label="a")
        ax.legend()
        figure.savefig(io.BytesIO(), format="png")


def once(shell):
    """Have pyplot and the inline backend draw each figure of this shell once, whenever they are imported."""
    from IPython.core import pylabtools

    pylabtools.print_figure = _print_figure(pylabtools.print_figure)
    for name in ("register", "unregister"):  # pyplot asks to draw all that changed after each cell
        setattr(shell.events, name, _but_pyplot(getattr(shell.events, name)))


def _but_pyplot(ask):
    def asked(event, function):
        if getattr(function, "__module__", "") != "matplotlib.pyplot":
            ask(event, function)

    return asked


def _print_figure(drawn_twice):
    def print_figure(fig, fmt="png", bbox_inches="tight", base64=False, **options):
        picture = None
        if fmt in ("png", "retina") and bbox_inches == "tight" and not options and (fig.axes or fig.lines):
            picture = draw(fig, fig.dpi * (2 if fmt == "retina" else 1))
        if picture is None:
            return drawn_twice(fig, fmt=fmt, bbox_inches=bbox_inches, base64=base64, **options)
        return b64encode(picture).decode("ascii") if base64 else picture

    return print_figure


def draw(figure, dpi):
    """The figure as PNG without its empty margins, drawn once; None if something sticks out of it.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
    dpi : float
        Pixels an inch.

    Returns
    -------
    bytes or None
    """
    import numpy as np
    from matplotlib import colors, rcParams
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from PIL import Image

    before, canvas = figure.dpi, figure.canvas
    try:
        figure.dpi = dpi
        sheet = FigureCanvasAgg(figure)
        sheet.draw()
        box = figure.get_tightbbox(sheet.get_renderer())
        pixels = np.asarray(sheet.buffer_rgba())
    finally:
        figure.dpi = before
        figure.set_canvas(canvas)
    height, width = pixels.shape[:2]
    edges = np.array([box.x0 * dpi, height - box.y1 * dpi, box.x1 * dpi, height - box.y0 * dpi])  # left, top, right, bottom
    if not np.isfinite(edges).all() or edges[:2].min() < -0.5 or edges[2] > width + 0.5 or edges[3] > height + 0.5:
        return None
    pad = rcParams["savefig.pad_inches"] * dpi
    left, top = np.floor(edges[:2] - pad).astype(int)
    right, bottom = np.ceil(edges[2:] + pad).astype(int)
    face = np.round(255 * np.array(colors.to_rgba(figure.get_facecolor()))).astype(np.uint8)
    page = np.empty((bottom - top, right - left, 4), np.uint8)
    page[:] = face  # the padding may lie outside the figure
    inside = pixels[max(top, 0) : bottom, max(left, 0) : right]
    page[max(-top, 0) : max(-top, 0) + inside.shape[0], max(-left, 0) : max(-left, 0) + inside.shape[1]] = inside
    buffer = io.BytesIO()
    Image.fromarray(page).save(buffer, "png", dpi=(dpi, dpi))
    return buffer.getvalue()
