"""The typing form: answer the golden questions, and see how probable each segment is."""

from __future__ import annotations

from html import escape

import ipywidgets
import pandas as pd

from delight.show.widgets.explorer import said


class TypingForm(ipywidgets.VBox):
    """Golden questions with their answers, and the probability of every segment.

    Parameters
    ----------
    words : delight.show.Words
    tool : delight.segments.typing.TypingTool, optional
    scales : dict of str to Scale, optional
        Of the questions; without one an answer is 0 to 10.
    """

    def __init__(self, words, tool=None, *, scales=None):
        self.words, self.scales, self.tool, self.answers, self.chances, self._kept = words, dict(scales or {}), None, {}, {}, {}
        self.questions, self.told = ipywidgets.VBox(), ipywidgets.HTML()
        super().__init__([self.questions, self.told])
        self.offer(tool)

    def offer(self, tool, quality=None):
        """Put the questions of a tool on the form, with the answers given before; None empties it."""
        _ = self.words.gettext
        self._kept |= {q: slider.value for q, slider in self.answers.items()}
        if tool is None:
            self.tool, self.answers, self.questions.children, self.told.value = None, {}, (), ""
            return
        self.tool, self.answers = tool, {q: self._slider(q, self._kept.get(q)) for q in tool.questions}
        text = [_("Which segment is a customer of? Answer for her, and see how probable each is.")]
        notes = []
        if quality is not None:
            row = quality.table.set_index("measure").loc["accuracy"]
            share = self.words.percent(row["value"])
            notes = [_("These questions tell the segment of {share} of customers rightly.").format(share=share)]
        self.questions.children = (ipywidgets.HTML(said([], notes, question=text[0])), *self.answers.values())
        self._tell()

    def _slider(self, question, value):
        scale = self.scales.get(question)
        low, high, step = (scale.min, scale.max, scale.step or 0.1) if scale else (0, 10, 1)
        points = [round(low + step * at, 6) for at in range(round((high - low) / step) + 1)]
        slider = ipywidgets.SelectionSlider(
            options=[(self.words.number(point, 0 if step == int(step) else 1), point) for point in points],
            value=value if value in points else points[len(points) // 2],
            description=self.words.column(question),
            style={"description_width": "26em"},
            layout={"width": "48em", "max_width": "100%"},
        )
        slider.observe(lambda change: self._tell(), names="value")
        return slider

    def _tell(self):
        frame = pd.DataFrame({q: [slider.value] for q, slider in self.answers.items()})
        row = self.tool.assign(frame).table.iloc[0]
        self.chances = {s: float(row[f"post_{s}"]) for s in self.tool.segments}
        words = self.words
        rows = "".join(
            f'<tr><th scope="row">{escape(words.segment(s))}</th><td class="num">{escape(words.percent(p))}</td>'
            f'<td><div aria-hidden="true" style="height:.9em;width:{max(0.2, 18 * p):.2f}em;background:#1b5e8c"></div></td></tr>'
            for s, p in self.chances.items()
        )
        self.told.value = f'<div class="delight-words" role="status" aria-live="polite"><table>{rows}</table></div>'
