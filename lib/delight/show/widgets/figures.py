"""Figures on the screen: drawn in the shared theme, with marks that can be clicked or reached by keyboard, and a text alternative."""

from __future__ import annotations

import base64
import io
import re
import threading
from html import escape

import anywidget
import traitlets

#: matplotlib's settings are one to a process: one figure is drawn at a time.
DRAWING = threading.RLock()
#: Places of the axes of figures laid out before: laying out takes longer than drawing.
_PLACES = {}

_SCRIPT = """
function render({ model, el }) {
  const box = document.createElement("div");
  el.appendChild(box);
  const draw = () => {
    const focused = document.activeElement && document.activeElement.dataset ? document.activeElement.dataset.pick : null;
    box.innerHTML = model.get("svg");
    const svg = box.querySelector("svg");
    if (!svg) return;
    svg.style.width = model.get("width") + "mm";
    svg.style.maxWidth = "100%";
    svg.style.height = "auto";
    for (const mark of svg.querySelectorAll("[id^='pick-']")) {
      const place = mark.id.split("-")[1];
      const name = model.get("names")[place] || "";
      mark.style.cursor = "pointer";
      mark.style.pointerEvents = "bounding-box";
      mark.dataset.pick = place;
      const choose = () => { model.set("picked", name); model.save_changes(); };
      mark.addEventListener("click", choose);
      if (!mark.querySelector("text")) continue;
      mark.setAttribute("tabindex", "0");
      mark.setAttribute("role", "button");
      mark.setAttribute("aria-pressed", String(name === model.get("picked")));
      if (name === model.get("picked")) mark.style.textDecoration = "underline";
      mark.addEventListener("keydown", (event) => {
        if (event.key === "Enter" || event.key === " ") { event.preventDefault(); choose(); }
      });
      if (place === focused) mark.focus();
    }
    svg.setAttribute("role", svg.querySelector("[role='button']") ? "group" : "img");
  };
  const dim = () => { box.style.opacity = model.get("stale") ? "0.3" : "1"; };
  draw();
  dim();
  model.on("change:stale", dim);
  model.on("change:svg change:width change:picked", draw);
}
export default { render };
"""


def _faces():
    """The figures' own letters for the page, so that text stands where it was laid out."""
    from delight.show.theme import FONTS, SANS

    faces = []
    for name, weight in (("Regular", 400), ("SemiBold", 600)):
        letters = base64.b64encode((FONTS / f"DelightSans-{name}.woff2").read_bytes()).decode()
        source = f"url(data:font/woff2;base64,{letters}) format('woff2')"
        faces.append(f"@font-face{{font-family:'{SANS}';font-weight:{weight};src:{source}}}")
    return "\n".join(faces)


class Picture(anywidget.AnyWidget):
    """An SVG whose marks can be chosen.

    Attributes
    ----------
    svg : str
    width : float
        Millimetres.
    names : list of str
        What the marks ``pick-0``, ``pick-1``, … stand for.
    picked : str
        The mark chosen last.
    stale : bool
        The numbers are newer than the figure, which is being drawn: it is dimmed.
    """

    _esm = _SCRIPT
    _css = _faces()
    svg = traitlets.Unicode("").tag(sync=True)
    width = traitlets.Float(160).tag(sync=True)
    names = traitlets.List(traitlets.Unicode()).tag(sync=True)
    picked = traitlets.Unicode("").tag(sync=True)
    stale = traitlets.Bool(False).tag(sync=True)


class Drawing:
    """A figure made by a function, at any time and in any format.

    Parameters
    ----------
    draw : function of one matplotlib Axes
    size : (float, float)
        Millimetres.
    alt : str
        What it shows, in words, with its main numbers.
    title, caption : str
        The question above, the reading below.
    picks : dict of str to str, optional
        Text in the figure → what it stands for: texts that can be chosen, and the marks beside them.
    salt : str
        Tells the parts of this figure from those of others on the page.
    """

    def __init__(self, draw, *, size, alt, title="", caption="", picks=None, salt="explore"):
        self.draw, self.size, self.alt, self.title, self.caption, self.salt = draw, size, alt, title, caption, salt
        self.picks = {_flat(text): name for text, name in (picks or {}).items()}

    @classmethod
    def of_view(cls, view, results, words, options=None, *, picks=None):
        """The figure of a view, as in a report."""
        options = options or {}
        return cls(
            lambda ax: view(*results, ax, words, **options),
            size=view.size(*results, **options) if callable(view.size) else view.size,
            alt=view.alt(*results, words, **options),
            title=view.title(*results, words, **options),
            caption=view.caption(*results, words, **options),
            picks=picks,
            salt=view.name,
        )

    @property
    def names(self):
        """What can be picked, in the order of the marks."""
        return list(self.picks.values())

    def _figure(self, write):
        from delight.show import theme

        with DRAWING, theme.figure(*self.size, salt=self.salt) as (figure, ax):
            self.draw(ax)
            self._lay_out(figure)
            self._mark(figure)
            return write(figure)

    def _lay_out(self, figure):
        """Give axes their places: those found before for a figure of this size with the same words beside its axes."""
        beside = [(label.get_text(), ax.get_xlabel()) for ax in figure.axes for label in [*ax.get_yticklabels(), ax.yaxis.label]]
        key = (self.size, tuple(beside))
        if key not in _PLACES:
            figure.draw_without_rendering()
            if len(_PLACES) >= 64:
                _PLACES.clear()
            _PLACES[key] = [ax.get_position() for ax in figure.axes]
        figure.set_layout_engine("none")
        for ax, place in zip(figure.axes, _PLACES[key]):
            ax.set_position(place)

    def _mark(self, figure):
        """Name the texts that can be picked, and the points at their place, for the page."""
        if not self.picks:
            return
        from matplotlib.collections import PathCollection
        from matplotlib.text import Text

        place = {name: i for i, name in enumerate(self.picks.values())}
        for ax in figure.axes:
            at = {}
            for label in [*ax.get_yticklabels(), *ax.texts]:
                name = self.picks.get(_flat(label.get_text()))
                if name is not None and isinstance(label, Text):
                    label.set_gid(f"pick-{place[name]}")
                    at[getattr(label, "xy", None) or label.get_position()[1]] = name
            for points in ax.collections:
                if isinstance(points, PathCollection) and len(points.get_offsets()) == 1:
                    x, y = map(float, points.get_offsets()[0])
                    name = at.get((x, y)) or at.get(y)
                    if name is not None:
                        points.set_gid(f"pick-{place[name]}-point")

    def svg(self):
        """As an SVG element with its text alternative; its text stays text."""

        return svg_element(self._figure(svg_text), self.alt)

    def save(self, path):
        """Write the figure as ``.svg`` or ``.png``; return the path."""
        if path.suffix == ".svg":
            path.write_text('<?xml version="1.0" encoding="utf-8"?>\n' + self.svg() + "\n", encoding="utf-8")
        else:
            self._figure(lambda figure: figure.savefig(path, dpi=200, facecolor="white"))
        return path


class Live(Drawing):
    """A figure that follows a hand: what stands still is drawn once, what moves is drawn over it.

    Subclasses make everything in `build`, which returns the artists that move (by name); `move` sets them to the numbers of the moment,
    `stand` sets what rarely changes (limits of an axis), and `frame` tells one state of that from another.
    """

    #: States of what stands still that are kept.
    KEPT = 16

    def __init__(self, *, size, salt):
        super().__init__(self._whole, size=size, alt="", salt=salt)
        self._figure_kept, self._standing, self._frame = None, {}, None

    frame = None

    def build(self, ax):
        """Every artist; returns a dict of those that move: name → artist or list of artists."""
        raise NotImplementedError

    def stand(self, ax):
        """Set the axes to the present frame."""

    def move(self, parts):
        """Set the artists that move to the numbers of the moment."""
        raise NotImplementedError

    def _whole(self, ax):
        parts = self.build(ax)
        self.stand(ax)
        self.move(parts)
        return parts

    def svg(self):
        """As an SVG element with its text alternative."""
        import matplotlib

        from delight.show import theme

        with DRAWING:
            if self._figure_kept is None:
                with theme.figure(*self.size, salt=self.salt) as (figure, ax):
                    self._figure_kept = figure, ax, self._whole(ax)
                    for artist in self._moving():
                        artist.set_animated(True)
                    self._standing[self.frame] = svg_text(figure)
                    self._frame = self.frame
            figure, ax, parts = self._figure_kept
            with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": self.salt}):
                if self.frame != self._frame:
                    self.stand(ax)
                    self._frame = self.frame
                if self.frame not in self._standing:
                    if len(self._standing) >= self.KEPT:
                        self._standing.clear()
                    self._standing[self.frame] = svg_text(figure)
                self.move(parts)
                over = _svg_of(figure, self._moving())
        standing, end = self._standing[self.frame].rsplit("</svg>", 1)
        return svg_element(f"{standing}{over}</svg>{end}", self.alt)

    def _moving(self):
        parts = []
        for part in self._figure_kept[2].values():
            parts += part if isinstance(part, list) else [part]
        return sorted(parts, key=lambda artist: artist.get_zorder())


def _svg_of(figure, artists):
    """Some artists of a figure that is laid out, as SVG without its frame."""
    from matplotlib.backends.backend_svg import RendererSVG

    before, buffer = figure.dpi, io.StringIO()
    try:
        figure.dpi = 72
        renderer = RendererSVG(*(72 * figure.get_size_inches()), buffer)
        for artist in artists:
            artist.draw(renderer)
        renderer.finalize()
    finally:
        figure.dpi = before
    text = buffer.getvalue()
    inside = text[text.index(">", text.index("<svg")) + 1 : text.rindex("</svg>")]
    return re.sub(r'<g id="[^"]*">', "<g>", inside)  # their names would be those of what stands still


def svg_text(figure):
    """A figure as SVG, drawn once: `savefig` would draw it twice."""
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.layout_engine import PlaceHolderLayoutEngine

    if not isinstance(figure.get_layout_engine(), (PlaceHolderLayoutEngine, type(None))):
        figure.draw_without_rendering()
        figure.set_layout_engine("none")
    figure.patch.set_visible(False)
    for ax in figure.axes:
        ax.patch.set_visible(False)
    buffer = io.StringIO()
    FigureCanvasSVG(figure).print_svg(buffer, metadata={"Date": None, "Creator": None})
    return buffer.getvalue()


def svg_element(svg, alt):
    """What matplotlib wrote as an element of a page, with its text alternative."""
    svg = re.sub(r"<metadata>.*?</metadata>|<!--.*?-->", "", svg[svg.index("<svg") :], flags=re.S)
    view = re.search(r'viewBox="[^"]*"', svg)[0]
    start = f'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" role="img" {view} aria-label="{escape(alt, quote=True)}">'
    return re.sub(r"<svg[^>]*>", lambda _: start, svg, count=1).strip()


def _flat(text):
    return " ".join(str(text).split())
