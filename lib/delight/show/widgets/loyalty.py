"""The loyalty curve: how loyal customers are at every grade, forms laid over it, and a threshold to try against the estimated one."""

from __future__ import annotations

import ipywidgets
import numpy as np

from delight.show.widgets import code
from delight.show.widgets.data import hidden
from delight.show.widgets.explorer import Explorer, Look, bar_of

#: Forms in the order of their freedom, with the line they are drawn in.
FORMS = {"linear": "-", "quadratic": "--", "cubic": "-.", "step": ":"}


class LoyaltyExplorer(Explorer):
    """The satisfaction-loyalty curve of a selection, with a threshold slider.

    Parameters
    ----------
    bar : FilterBar or Data
    x : str
        Overall satisfaction.
    outcomes : dict of str to str
        Column of a loyalty question → its role; ``churned`` is turned round.
    """

    key = "loyalty"

    def __init__(self, bar, *, x, outcomes, presentation=False):
        bar = bar_of(bar)
        self.x, self.outcomes, words, _ = x, dict(outcomes), bar.words, bar.words.gettext
        scale = bar.data.scales[x]
        grades = [float(g) for g in (scale.points if scale.points is not None else np.arange(scale.min, scale.max + 1))]
        first = scale.delight_from or grades[len(grades) // 2]
        recommend = next((c for c, role in self.outcomes.items() if role == "recommend"), next(iter(self.outcomes)))
        self.outcome = ipywidgets.Dropdown(
            options=[(words.column(c), c) for c in self.outcomes],
            value=recommend,
            description=_("Loyalty"),
            style={"description_width": "initial"},
            layout={"width": "auto", "max_width": "36em", "margin": "2px 1.5em 2px 0"},
        )
        self.threshold = ipywidgets.SelectionSlider(
            options=[(words.number(g, 0 if g % 1 == 0 else 1), g) for g in grades[1:]],
            value=float(first) if float(first) in grades[1:] else grades[-1],
            description=_("Threshold to try: from grade"),
            style={"description_width": "initial"},
            layout={"width": "40em"},
        )
        names = {"linear": _("straight line"), "quadratic": _("bend"), "cubic": _("double bend"), "step": _("line with a step")}
        self.forms = {
            form: ipywidgets.Checkbox(
                value=form in ("linear", "step"),
                description=names[form],
                indent=False,
                layout={"width": "auto", "margin": "2px 1.2em 2px 0"},
            )
            for form in FORMS
        }
        self.names, self._live = names, None
        row = {"flex_flow": "row wrap"}
        controls = [ipywidgets.HBox([self.outcome, self.threshold], layout=row), ipywidgets.HBox(list(self.forms.values()), layout=row)]
        super().__init__([bar], controls, presentation=presentation)
        self.refresh()

    def look(self):
        from delight.loyalty.curve import curve
        from delight.loyalty.forms import steps
        from delight.loyalty.lines import lines

        data, y, tau = self.data, self.outcome.value, self.threshold.value
        choice = self.bars[0].choice
        clusters = self._clusters()
        frame, weights, kind = data.table([y, self.x, *([clusters] if clusters else [])], self.bars[0].mask)
        turned = self.outcomes[y] == "churned"
        given = {"y": y, "x": self.x, "scales": {c: data.scales[c] for c in (y, self.x)}, "turned": turned or None, "clusters": clusters}
        shared = {**{k: v for k, v in given.items() if v is not None}, "weights": weights, "weights_kind": kind}
        written = {**given, "weights": data.weights, "weights_kind": data.weights_kind if data.weights else None}
        found = curve(frame, **shared, n_boot=0)
        laid = lines(frame, **shared, step_from=tau)
        tried = steps(frame, **shared)
        text = ["from delight import loyalty", "from delight.loyalty.lines import lines", "", *data.lines(choice)]
        text += [code.call("result", "loyalty.curve", "chosen", **written, n_boot=0)]
        text += [code.call("forms", "lines", "chosen", **written, step_from=tau), code.call("steps", "loyalty.steps", "chosen", **written)]
        table, gone = hidden(found.table, data.minimum_group, keep=("grade",))
        safe = laid.table[~laid.table["grade"].isin(found.table["grade"].iloc[gone])]
        said = [self._try(tried, laid, tau), self._estimated(tried)]
        notes = [self._best(safe)]
        if gone:
            notes.append(self._left_empty(len(gone)))
        drawing = self._drawing(table, safe, tau, turned, data.scales[y])
        return Look(said, drawing, {"curve": table, "forms": safe, "steps": self._whole(tried)}, text, notes=notes)

    def _clusters(self):
        column = self.data.design.get("clusters")
        return column if column and column not in self.bars[0].choice else None

    def _whole(self, tried):
        """The steps, without those that leave a small group on a side."""
        t = tried.table
        return t[(t[["n_above", "n_below"]].min(axis=1) >= self.data.minimum_group)]

    def _left_empty(self, n):
        return self.words.ngettext("{n} grade was given by too few to show.", "{n} grades were given by too few to show.", n).format(
            n=self.words.number(n)
        )

    # ---- words

    def _point(self, value):
        return self.words.number(value, 0 if float(value) % 1 == 0 else 1)

    def _effect(self, value):
        return self.words.signed(value, 2)

    def _try(self, tried, laid, tau):
        _, w = self.words.gettext, self.words
        row = tried.table[tried.table["to_grade"] == tau]
        if not len(row) or np.isnan(row.iloc[0]["coef"]):
            return _("A step at {grade} cannot be tried: too few answers on one side of it.").format(grade=self._point(tau))
        row = row.iloc[0]
        text = _("A step at **{grade}**: {step} on top of a straight line ({interval}); {judgement}")
        judgement = (
            _("the answers allow it to be there.")
            if row["in_set"]
            else _("another place fits so much better that the threshold is not there.")
        )
        if laid.meta["binary"]:
            text = _("A step at **{grade}**: {step} in log odds on top of a straight line ({interval}); {judgement}")
        return text.format(
            grade=self._point(tau),
            step=self._effect(row["coef"]),
            interval=w.interval(row["ci_lo"], row["ci_hi"], self._effect),
            judgement=judgement,
        )

    def _estimated(self, tried):
        _, w = self.words.gettext, self.words
        known = tried.table.dropna(subset=["ssr"])
        if known.empty:
            return _("There are too few answers to look for a threshold.")
        best = known.loc[known["ssr"].idxmin()]
        inside = known[known["in_set"]]
        places = w.listed(self._point(g) for g in inside["to_grade"])
        if best["ci_lo"] <= 0 <= best["ci_hi"]:
            return _("The best place for a step is {grade}, but no step is shown there: a straight line does as well.").format(
                grade=self._point(best["to_grade"])
            )
        return _("Estimated threshold: **{grade}**. The answers cannot tell these places apart (95% set): {places}.").format(
            grade=self._point(best["to_grade"]), places=places
        )

    def _best(self, laid):
        aic = laid[laid["form"].isin([*FORMS])].groupby("form", sort=False)["aic"].first().dropna()
        if aic.empty:
            return ""
        close = aic[aic <= aic.min() + 2].index
        return self.words.gettext("Forms that fit best (within two points of AIC): {forms}.").format(
            forms=self.words.listed(self.names[f] for f in FORMS if f in close)
        )

    # ---- the figure

    def _drawing(self, table, laid, tau, turned, scale):
        from delight.show.widgets.curves import Curves

        words, _ = self.words, self.words.gettext
        binary = scale.points is not None and len(scale.points) == 2
        shown = [form for form, box in self.forms.items() if box.value]
        asked = words.column(self.outcome.value)
        about = {
            "grades": tuple(table["grade"].astype(float)),
            "forms": {form: (self.names[form], FORMS[form]) for form in shown},
            "x_label": words.column(self.x),
            "y_label": _("Stayed (%)") if turned else _("Yes (%)") if binary else asked,
            "ends": (0, 103) if binary else (scale.min - 0.02 * (scale.max - scale.min), scale.max * 1.02),
        }
        if self._live is None or self._live.about != about:
            self._live = Curves(words, factor=100 if binary else 1, **about)
        rows = table.dropna(subset=["mean"])
        alt = _("How loyal customers are at every grade.")
        if len(rows):
            first, last = rows.iloc[0], rows.iloc[-1]
            show = words.percent if binary else words.grade
            alt += " " + _("From {a} at grade {low} to {b} at grade {high}.").format(
                a=show(first["mean"]), low=self._point(first["grade"]), b=show(last["mean"]), high=self._point(last["grade"])
            )
        return self._live.update(
            table,
            laid,
            tau,
            _("from {grade}").format(grade=self._point(tau)),
            alt=alt,
            title=_("How does loyalty rise with the grade?"),
            caption=_(
                "Dots are the mean of those who gave a grade, with 95% intervals; lines are what each form expects. Move the slider to try a threshold."
            ),
        )
