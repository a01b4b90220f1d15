"""The hand-out of a lesson: one page with what to remember, a figure, and room for one's own words."""

from __future__ import annotations

from html import escape

from delight.publish import pdf
from delight.show import theme
from delight.workshop import looks
from delight.workshop.desk import desk as sit_down
from delight.workshop.lesson import paragraphs, tags_of, text

_STYLE = """
@page { size: A4; margin: 18mm 20mm 16mm }
body { font: 11pt/1.5 "Delight Sans", sans-serif; color: %(ink)s; margin: 0 }
h1 { font: 26pt/1.15 "Delight Serif", serif; color: %(main)s; margin: 0 0 3mm }
h2 { font: 14pt/1.2 "Delight Serif", serif; color: %(main)s; margin: 7mm 0 2mm }
p { margin: 0 0 2mm } .lead { font-size: 12pt }
ul { margin: 0; padding-left: 5mm } li { margin: 0 0 1.6mm }
figure { margin: 4mm 0 0 } .question { font-weight: 600 }
figure :is(svg, img) { max-width: 100%%; max-height: 105mm; object-fit: contain; object-position: 0 0 }
figcaption, .source { color: %(soft)s; font-size: 8.5pt; line-height: 1.35; margin: 1mm 0 0 }
.line { border-bottom: .4pt solid %(grid)s; height: 8.5mm }
"""


def page(lesson, words, folder=None):
    """The hand-out as HTML.

    Parameters
    ----------
    lesson : Lesson
    words : Words
    folder : Path, optional
        The room; its plenary set makes the figure.
    """
    _, known = words.gettext, lesson.catalogue(words.language)
    cells = [c for c in lesson.notebook["cells"] if c["cell_type"] == "markdown"]
    title, lead = (known[p] for p in paragraphs(text(cells[0]))[:2])
    heading, *points = (known[p] for c in cells if "handout" in tags_of(c) for p in paragraphs(text(c)))
    remember = "".join(f"<li>{escape(point.removeprefix('- '))}</li>" for point in points)
    lines, monday = '<div class="line"></div>' * 3, _("What I do on Monday")
    return (
        f'<!DOCTYPE html><html lang="{words.language}"><head><meta charset="utf-8"><title>{escape(title.lstrip("# "))}</title>'
        f"<style>{looks.faces(*looks.SANS, *looks.SERIF)}{_STYLE % theme.COLOURS}</style></head><body><h1>{escape(title.lstrip('# '))}</h1>"
        f'<p class="lead">{escape(lead)}</p><h2>{escape(heading.lstrip("# "))}</h2><ul>{remember}</ul>'
        f"{_figure(lesson, words, folder)}<h2>{escape(monday)}</h2>{lines}</body></html>"
    )


def _figure(lesson, words, folder):
    """The lesson's first figure, of the plenary set."""
    desk = sit_down(lesson.number, 0, language=words.language, folder=folder)
    for exercise in desk.exercises.values():
        if exercise.show and all(desk.has(need) for need in exercise.needs):
            view, *results = exercise.show(desk)
            if view.kind == "figure":
                return desk.show(view, *results).html
    return ""


def write(lesson, words, path, folder=None):
    """Write the hand-out as PDF: (path, "") or (None, why not)."""
    return pdf.write(page(lesson, words, folder), path)
