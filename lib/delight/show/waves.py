"""How satisfaction develops from wave to wave, and what of a change is who answered."""

from __future__ import annotations

import numpy as np

from delight.show.charts import Chart, Series
from delight.show.levels import ALPHA, few_ticks, is_share, number_ticks
from delight.show.theme import COLOURS
from delight.show.views import Column, figure, reading, table

_MEASURES = ("mean", "share_delighted", "nps")


def _measure_names(words, waves):
    _ = words.gettext
    return {
        "mean": _("Satisfied") if is_share(waves) else _("Mean grade"),
        "share_delighted": _("Delighted customers"),
        "nps": _("Net promoter score"),
    }


def _measures(waves):
    """Measures to show: of a yes-or-no question the share of delighted is the mean again."""
    present = [m for m in _MEASURES if (waves.table["measure"] == m).any()]
    return [m for m in present if not (m == "share_delighted" and is_share(waves))]


def _followed(waves):
    """Measures that at least two waves have."""
    known = waves.table[waves.table["value"].notna()]
    return [m for m in _measures(waves) if (known["measure"] == m).sum() > 1]


def _shown_by(words, waves, measure):
    """Values beside their change: means with two decimals and shares with one, so that the change adds up."""
    if measure == "nps":
        return words.points
    if measure == "share_delighted" or is_share(waves):
        return lambda value: words.percent(value, 1)
    return lambda value: words.number(value, 2)


def _shown_change(words, waves, measure, value):
    if measure == "nps":
        return words.points(value)
    if measure == "share_delighted" or is_share(waves):
        return words.signed(100 * value, 1)
    return words.signed(value, 2)


@reading
def waves(waves, words, **options):
    """What changed since the wave before, measure by measure; only what survives the correction is called a change."""
    _ = words.gettext
    found = []
    for measure in _measures(waves):
        rows = waves.table[(waves.table["measure"] == measure) & waves.table["value"].notna()]
        if len(rows) < 2 or np.isnan(rows.iloc[-1]["change"]):
            continue
        row = rows.iloc[-1]
        before = rows[rows["group"] == row["previous"]]
        if before.empty:
            continue
        show = _shown_by(words, waves, measure)
        proven = row["p_adj"] < ALPHA
        sentence = _change_sentence(words, waves, measure, None if not proven else row["change"] > 0)
        found.append(
            sentence.format(
                before=show(before.iloc[0]["value"]),
                now=show(row["value"]),
                change=_shown_change(words, waves, measure, row["change"]),
                interval=words.interval(row["change_lo"], row["change_hi"], lambda v, m=measure: _shown_change(words, waves, m, v)),
                mdc=_shown_change(words, waves, measure, row["mdc"]).lstrip("+"),
                wave=words.wave(row["previous"]),
            )
        )
    if not found:
        return [_("This is the first measurement, so nothing can be said yet about change.")]
    found += _make_up(words, waves)
    if waves.note("matched"):
        n = words.number(waves.note("matched").values["n"])
        found.append(_("{n} customers answered in two measurements running; the tests allow for that.").format(n=n))
    return [" ".join(found)]


def _make_up(words, waves):
    """Whether the newest change of the mean comes from who answered, where the make-up of those who answered is known."""
    _ = words.gettext
    rows = waves.table[(waves.table["measure"] == "mean") & waves.table["value"].notna()]
    if rows.empty or "mix_part" not in rows or np.isnan(rows.iloc[-1]["mix_part"]):
        return []
    row, show = rows.iloc[-1], lambda v: _shown_change(words, waves, "mean", v)
    told = {
        "mix": show(row["mix_part"]),
        "interval": words.interval(row["mix_part_lo"], row["mix_part_hi"], show),
        "alike": show(row["adjusted_change"]),
        "alike_interval": words.interval(row["adjusted_change_lo"], row["adjusted_change_hi"], show),
    }
    if row["mix_part_p_adj"] < ALPHA:
        return [
            _(
                "Other kinds of customers answered than last time, which accounts for {mix} of the difference (interval {interval}). "
                "Among comparable customers it is {alike} (interval {alike_interval})."
            ).format(**told)
        ]
    if row["p_adj"] < ALPHA:
        return [
            _("Who answered does not explain it: among comparable customers the difference is {alike} (interval {alike_interval}).").format(
                **told
            )
        ]
    return []


def _change_sentence(words, waves, measure, rose):
    _ = words.gettext
    if measure == "mean" and not is_share(waves):
        return {
            True: _("Since {wave} the mean grade rose from {before} to **{now}** ({change}, interval {interval})."),
            False: _("Since {wave} the mean grade fell from {before} to **{now}** ({change}, interval {interval})."),
            None: _(
                "The mean grade was {before} in {wave} and is **{now}** now. That difference can be chance "
                "({change}, interval {interval}); with this many answers a change of {mdc} or more would have shown with a probability of 80%."
            ),
        }[rose]
    if measure == "nps":
        return {
            True: _("The net promoter score rose from {before} to **{now}** ({change}, interval {interval})."),
            False: _("The net promoter score fell from {before} to **{now}** ({change}, interval {interval})."),
            None: _(
                "The net promoter score went from {before} to **{now}**, which can be chance ({change}, interval {interval}); "
                "a change of {mdc} points or more would have shown with a probability of 80%."
            ),
        }[rose]
    if is_share(waves):
        return {
            True: _(
                "Since {wave} the share of satisfied customers rose from {before} to **{now}** ({change} points, interval {interval})."
            ),
            False: _(
                "Since {wave} the share of satisfied customers fell from {before} to **{now}** ({change} points, interval {interval})."
            ),
            None: _(
                "The share of satisfied customers was {before} in {wave} and is **{now}** now. That difference can be chance "
                "({change} points, interval {interval}); a change of {mdc} points or more would have shown with a probability of 80%."
            ),
        }[rose]
    return {
        True: _("The share of delighted customers rose from {before} to **{now}** ({change} points, interval {interval})."),
        False: _("The share of delighted customers fell from {before} to **{now}** ({change} points, interval {interval})."),
        None: _(
            "The share of delighted customers went from {before} to **{now}**, which can be chance ({change} points, interval {interval}); "
            "a change of {mdc} points or more would have shown with a probability of 80%."
        ),
    }[rose]


def _waves_title(waves, words, **options):
    return words.gettext("How has it developed?")


def _waves_caption(waves, words, **options):
    return words.gettext("Dots are measurements, with their intervals. A filled dot differs from the one before by more than chance.")


def _waves_alt(waves, words, **options):
    names, parts = _measure_names(words, waves), []
    for measure in _followed(waves):
        rows = waves.table[(waves.table["measure"] == measure) & waves.table["value"].notna()]
        show = _shown_by(words, waves, measure)
        parts.append(f"{names[measure]}: " + ", ".join(f"{words.wave(r['group'])} {show(r['value'])}" for _, r in rows.iterrows()))
    return words.gettext("Results by measurement. {values}.").format(values="; ".join(parts))


def _waves_chart(waves, words, **options):
    names, charts = _measure_names(words, waves), []
    for measure in _followed(waves):
        rows = waves.table[waves.table["measure"] == measure].sort_values("wave_order")
        share = measure == "share_delighted" or (measure == "mean" and is_share(waves))
        values = Series("", rows["value"], rows["ci_lo"], rows["ci_hi"], COLOURS["main"])
        format = "percent" if share else "points" if measure == "nps" else "number2"
        charts.append(Chart("line", [words.wave(g) for g in rows["group"]], [values], format, title=names[measure]))
    return charts


@figure(title=_waves_title, caption=_waves_caption, alt=_waves_alt, size=(170, 66), chart=_waves_chart)
def development(waves, ax, words, **options):
    """A panel a measure: value and interval by wave."""
    names, measures = _measure_names(words, waves), _followed(waves)
    ax.set_axis_off()
    gap, count = 0.07, len(measures)
    width = (1 - gap * (count - 1)) / max(count, 1)
    for i, measure in enumerate(measures):
        panel = ax.inset_axes([i * (width + gap), 0.12, width, 0.74])
        rows = waves.table[waves.table["measure"] == measure].sort_values("wave_order").reset_index(drop=True)
        at = np.arange(len(rows))
        factor = 100 if measure == "share_delighted" or (measure == "mean" and is_share(waves)) else 1
        value, lo, hi = (factor * rows[c].to_numpy(dtype=float) for c in ("value", "ci_lo", "ci_hi"))
        known = ~np.isnan(value)
        panel.plot(at[known], value[known], color=COLOURS["satisfied"], linewidth=1.2, zorder=1)
        panel.vlines(at, lo, hi, color=COLOURS["main"], linewidth=1.4, zorder=2)
        proven = (rows["p_adj"] < ALPHA).to_numpy()
        faces = [COLOURS["main"] if p else "white" for p in proven[known]]
        panel.scatter(at[known], value[known], s=34, zorder=3, facecolors=faces, edgecolors=COLOURS["main"], linewidths=1.4)
        show = _shown_by(words, waves, measure)
        for x, row in zip(at[known], rows[known].itertuples()):
            panel.annotate(show(row.value), (x, factor * row.value), (7, 0), textcoords="offset points", va="center", fontsize=8)
        low, high = np.nanmin([lo, value]), np.nanmax([hi, value])
        room = max(0.18 * (high - low), {"nps": 4, "share_delighted": 2}.get(measure, 0.15))
        panel.set_ylim(low - room, high + room)
        panel.set_xlim(-0.4, len(rows) - 0.25)
        panel.set_xticks(at, [words.wave(g) for g in rows["group"]])
        panel.tick_params(axis="both", length=0)
        panel.yaxis.set_major_locator(few_ticks())
        number_ticks(panel.yaxis, (lambda v, d: words.percent(v / 100, d)) if factor == 100 else words.number)
        panel.grid(axis="y")
        panel.spines["left"].set_visible(False)
        panel.set_title(names[measure], loc="left", fontsize=8.5, color=COLOURS["ink"], pad=7)
    return ax


@table(
    title=lambda waves, words, **options: words.gettext("Results by measurement"),
    note=lambda waves, words, **options: words.gettext(
        "p is corrected for all changes in this table. The last column is the change that would have shown with a probability of 80%."
    ),
)
def wave_table(waves, words, **options):
    """All measures by wave with change, p and the minimum detectable change, as text, since units differ by row."""
    _ = words.gettext
    names = _measure_names(words, waves)
    rows = waves.table[waves.table["measure"].isin(_measures(waves)) & (waves.table["n"] != 0)]  # not asked: no row
    shows = [_shown_by(words, waves, m) for m in rows["measure"]]

    def change(measure, value):
        if np.isnan(value):
            return "–"
        text = _shown_change(words, waves, measure, value)
        return _("{n} pp").format(n=text) if measure == "share_delighted" or is_share(waves) else text

    return [
        Column(_("Measure"), [names[m] for m in rows["measure"]]),
        Column(_("Measurement"), [words.wave(g) for g in rows["group"]]),
        Column(_("n"), rows["n"].tolist(), "count"),
        Column(_("Result"), [show(v) for show, v in zip(shows, rows["value"])]),
        Column(_("Interval"), [words.interval(lo, hi, show) for show, lo, hi in zip(shows, rows["ci_lo"], rows["ci_hi"])]),
        Column(_("Change"), [change(m, v) for m, v in zip(rows["measure"], rows["change"])], emphasis=(rows["p_adj"] < ALPHA).tolist()),
        Column("p", rows["p_adj"].tolist(), "p"),
        Column(_("Detectable change"), [change(m, v).lstrip("+") for m, v in zip(rows["measure"], rows["mdc"])]),
    ]


@table(
    title=lambda waves, words, **options: words.gettext("Change, and who answered"),
    note=lambda waves, words, **options: words.gettext(
        "Who answered: the part of the change that goes with a different make-up of those who answered. How they grade: the part that goes with other grades "
        "of comparable customers; the two add up to the change. Comparable level: with the make-up of the newest measurement. Whether other "
        "customers answered because there are other customers, or because others took part, these figures cannot tell. In bold: more than chance, after correction."
    ),
)
def mix_table(waves, words, **options):
    """Every change divided into the make-up of those who answered and how comparable customers grade."""
    _ = words.gettext
    names = _measure_names(words, waves)
    rows = waves.table[waves.table["measure"].isin(_followed(waves)) & waves.table["adjusted"].notna()]
    shows = [_shown_by(words, waves, m) for m in rows["measure"]]

    def part(name):
        texts = []
        for r in rows.to_dict("records"):
            show = lambda v, m=r["measure"]: _shown_change(words, waves, m, v)  # noqa: E731
            known = not np.isnan(r[name])
            texts.append(
                _("{value} ({interval})").format(value=show(r[name]), interval=words.interval(r[f"{name}_lo"], r[f"{name}_hi"], show))
                if known
                else "–"
            )
        return texts

    return [
        Column(_("Measure"), [names[m] for m in rows["measure"]]),
        Column(_("Measurement"), [words.wave(g) for g in rows["group"]]),
        Column(_("Comparable level"), [show(v) for show, v in zip(shows, rows["adjusted"])]),
        Column(_("Change"), part("change"), emphasis=(rows["p_adj"] < ALPHA).tolist()),
        Column(_("Who answered"), part("mix_part"), emphasis=(rows["mix_part_p_adj"] < ALPHA).tolist()),
        Column(_("How they grade"), part("rate_part")),
    ]
