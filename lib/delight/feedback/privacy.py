"""Which groups are too small to show: planned once for a study, applied to every result that a client sees (methods M40)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from delight.result import Note, Result

#: A group in which all answered alike is hidden below this base.
UNANIMOUS_BELOW = 30
#: Lowest and highest answers are shown from this base on.
EXTREMES_FROM = 50
#: Wave of the cells of all waves together.
POOLED = ""
#: Between the names of locations that are one where only their sum may be known.
TOGETHER = " + "
_FUNCTION = "delight.feedback.privacy"


# ---- the plan ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Plan:
    """What may be shown of each location, label and the whole, wave by wave.

    Attributes
    ----------
    result : Result
        Method M40, one row a cell: ``wave`` (empty: all waves together), ``level`` (whole, label, location, rest), ``cell``, ``base``,
        ``rule`` (base, unanimous, complement, rest; empty if shown), ``shown``, ``question`` (empty: the outcome). It holds the bases,
        so it is never delivered.
    """

    result: Result

    @property
    def table(self):
        return self.result.table

    @property
    def minimum_group(self):
        return int(self.result.meta["minimum_group"])

    @property
    def waves(self):
        """Waves of the plan, in order."""
        return list(self.result.meta["waves"])

    @cached_property
    def _shown(self):
        t = self.table
        return dict(zip(zip(t["question"], t["wave"], t["level"], t["cell"]), t["shown"].astype(bool)))

    @cached_property
    def questions(self):
        """Questions besides the outcome that are planned by themselves, as fewer may have answered them."""
        return frozenset(self.table["question"]) - {""}

    def shown(self, level, cell="", wave=None, question=""):
        """Whether a cell may be shown; a cell that is not planned may not.

        Parameters
        ----------
        level : {"whole", "label", "location", "rest"}
        cell : str
            Its name; empty for the whole. The rest of a label is named by the location left out.
        wave : str, optional
            A wave, or ``""`` for all waves together; None asks whether it may be shown in every wave in which it answered.
        question : str
            A question that fewer may have answered than the outcome; one that is not planned by itself follows the outcome.
        """
        cell = "" if level == "whole" else str(cell)
        if question in self.questions and (question, wave, level, cell) in self._shown:
            return self._shown[question, wave, level, cell]
        if wave is None:
            found = [self._shown["", w, level, cell] for w in [*self.waves, POOLED] if ("", w, level, cell) in self._shown]
            return bool(found) and all(found)
        if ("", wave, level, cell) not in self._shown and wave == "all":
            wave = POOLED
        return self._shown.get(("", wave, level, cell), False)

    def together(self, wave, question=""):
        """Names that hidden locations share, so that what is computed by location depends on them through their sum alone.

        Parameters
        ----------
        wave, question : str

        Returns
        -------
        dict of str to str
            Each hidden location to the name of all that are hidden with it: those of its label where the label is shown, else those of
            labels that are hidden as well. Empty where no location, or the whole, is hidden.
        """
        return self._together.get((question if question in self.questions else "", wave), {})

    def grouped(self, wave, question=""):
        """Names that hidden locations share where locations are clusters: in groups of two or more with `minimum_group` answers at least.

        Standard errors are sums of squares over clusters. Beside the sum of the same clusters, one with two hidden ones in it gives both
        away, and one with three gives the other two to whoever knows one. Of groups that may be known nothing is given away, and more
        clusters are left to judge the error by than if all hidden ones were one.

        Parameters
        ----------
        wave, question : str

        Returns
        -------
        dict of str to str
            Each hidden location to the name of its group, which lies within those of `together`.
        """
        hidden = self._hidden.get((question if question in self.questions else "", wave), [])
        return {loc: TOGETHER.join(names) for cells in hidden for names in _groups_of(cells, self.minimum_group) for loc in names}

    @cached_property
    def _together(self):
        return {key: {loc: TOGETHER.join(sorted(cells)) for cells in found for loc in cells} for key, found in self._hidden.items()}

    @cached_property
    def _hidden(self):
        """By question and wave: the hidden locations whose sum may be known, with their bases, in a dict for each such sum."""
        t, found = self.table[self.table["base"] > 0], {}
        for key, cells in t.groupby(["question", "wave"]):
            shown_labels = set(cells.loc[(cells["level"] == "label") & cells["shown"], "cell"])
            hidden = cells[(cells["level"] == "location") & ~cells["shown"]]
            if not cells.loc[cells["level"] == "whole", "shown"].all():
                continue
            within = hidden["label"].where(hidden["label"].isin(shown_labels), "")
            found[key] = [dict(zip(mine["cell"], mine["base"])) for _, mine in hidden.groupby(within)]
        return found

    def save(self, stem):
        """Write ``<stem>.parquet`` and ``<stem>.json``."""
        return self.result.save(stem)

    @classmethod
    def load(cls, stem):
        """Read what `save` wrote."""
        return cls(Result.load(stem))


def _groups_of(cells, k):
    """Locations (with their bases) in groups of two or more that have `k` answers together, by name; all in one where that cannot be."""
    groups = [[]]
    for name in sorted(cells):
        if _enough(groups[-1], cells, k):
            groups.append([])
        groups[-1].append(name)
    if len(groups) > 1 and not _enough(groups[-1], cells, k):
        last = groups.pop()
        groups[-1] += last
    return groups


def _enough(names, cells, k):
    return len(names) > 1 and sum(cells[name] for name in names) >= k


@dataclass
class _Cell:
    """A set of respondents: how many, how they answered, and what may be known of it."""

    base: int = 0
    answers: int = 0
    lowest: float = np.inf
    highest: float = -np.inf
    delighted: int = 0

    def __add__(self, other):
        return _Cell(
            self.base + other.base,
            self.answers + other.answers,
            min(self.lowest, other.lowest),
            max(self.highest, other.highest),
            self.delighted + other.delighted,
        )

    def refused_by(self, k):
        """``base`` or ``unanimous`` if this set must not be known on its own; empty if it may. The empty set says nothing."""
        if self.base == 0:
            return ""
        if self.base < k:
            return "base"
        alike = self.answers and (self.lowest == self.highest or self.delighted in (0, self.answers))
        return "unanimous" if self.base < UNANIMOUS_BELOW and alike else ""


def plan(responses, study, *, wave=None):
    """Plan which cells of location × label × whole may be shown, wave by wave and for all waves together.

    Parameters
    ----------
    responses : DataFrame
        The feedback table of all waves.
    study : Study
        Gives minimum_group, the label of each location and the outcome.
    wave : str, optional
        The focus: the wave of results that do not say theirs.

    Returns
    -------
    Plan

    Notes
    -----
    A cell's base is the number of its unweighted answers to the outcome (of its responses, without an outcome). What an onlooker can
    work out from the shown cells of a tree is exactly the unions of its remainders: each shown cell less the shown cells
    below it. So cells are hidden, the smallest first, until every remainder is empty, or as large as `minimum_group` and
    not unanimous. The rest of a label (its locations but one) is the difference of two cells and shown if both are. All waves
    together are shown of a location or label only where it is shown in every wave, and so add nothing; of the whole, if the waves
    hidden from it leave a sound remainder. The attributes and the likelihood of recommending, which are shown by label or location too
    and which fewer may have answered, are planned in the same way for the focus wave, starting from what the outcome hides.
    """
    labels = {u.location: u.label for u in study.units.values()}
    outcome = study.outcome if study.outcome in responses else None
    return make_plan(
        responses,
        minimum_group=study.minimum_group,
        waves=[w for w in study.waves if (responses["wave"] == w).any()],
        labels=labels,
        y=outcome,
        delight_from=study.delight_from,
        wave=wave,
        questions=[c for c in [*study.meeting("recommend"), *study.meeting("attribute")] if c in responses and c != outcome],
    )


def make_plan(responses, *, minimum_group, waves, labels, y=None, delight_from=None, wave=None, questions=()):
    """`plan` from plain arguments: waves in order, label by location, the outcome and from where it counts as delighted, the focus."""
    atoms = _atoms(responses, y, delight_from)
    rows, whole_shown = [], {}
    everywhere = {}
    for name in waves:
        tree = _Tree({loc: cell for (w, loc), cell in atoms.items() if w == name}, labels, minimum_group)
        tree.protect()
        rows += tree.rows(name)
        if name == wave:
            rows += _by_question(responses[responses["wave"] == wave], questions, tree, labels, minimum_group)
        whole_shown[name] = not tree.rule["whole", ""]
        for (level, cell), rule in tree.rule.items():
            if tree.cells[level, cell].base:
                everywhere.setdefault((level, cell), []).append((not rule, tree.cells[level, cell]))
    if len(waves) > 1:
        rows += _pooled(everywhere, whole_shown, labels, minimum_group)
    rows = [(*row, "") if len(row) == 7 else row for row in rows]
    table = pd.DataFrame(rows, columns=["wave", "level", "cell", "label", "base", "rule", "shown", "question"])
    table["n"], table["n_missing"], table["n_eff"], table["status"] = table["base"], 0, table["base"].astype(float), "ok"
    meta = {"function": f"{_FUNCTION}.plan", "minimum_group": int(minimum_group), "waves": list(waves), "outcome": y, "rows": True}
    meta |= {"wave": wave} if wave else {}
    return Plan(Result.of("M40", table, n_used=int(sum(c.base for c in atoms.values())), **meta))


def _by_question(responses, questions, outcome, labels, k):
    """Rows of every further question of one wave: what the outcome hides, and what its own answers ask for besides."""
    rows = []
    for question in questions:
        tree = _Tree({loc: cell for (_, loc), cell in _atoms(responses, question, None).items()}, labels, k)
        tree.rule = {key: tree.rule[key] or (outcome.rule.get(key) and "complement") or "" for key in tree.rule}
        tree.protect()
        rows += [(*row, question) for row in tree.rows(responses["wave"].iloc[0])]
    return rows


def _atoms(responses, y, delight_from):
    """A cell for each wave and location; no location is the location ""."""
    frame = pd.DataFrame({"wave": responses["wave"].astype("str").to_numpy()})
    if "location" in responses:
        frame["location"] = responses["location"].astype(object).where(responses["location"].notna(), "").to_numpy()
    else:
        frame["location"] = ""
    frame["y"] = responses[y].to_numpy(dtype=float) if y else 0.0
    frame["base"] = frame["y"].notna()
    frame["delighted"] = frame["y"] >= delight_from if y and delight_from is not None else np.nan
    grouped = frame.groupby(["wave", "location"], sort=True)
    found = grouped.agg(base=("base", "sum"), lowest=("y", "min"), highest=("y", "max"), delighted=("delighted", "sum"))
    cells = {}
    for key, row in zip(found.index, found.itertuples(index=False)):
        base = int(row.base)
        if y is None or not base:
            cells[key] = _Cell(base)
        else:
            # without a point of delight half of everybody stands in, so that only equal answers are unanimous
            delighted = row.delighted if delight_from is not None else base / 2
            cells[key] = _Cell(base, base, float(row.lowest), float(row.highest), delighted)
    return cells


class _Tree:
    """Whole, labels and locations of one wave, and the rule by which each is hidden (empty: shown)."""

    def __init__(self, atoms, labels, k):
        self.k, self.atoms = k, atoms
        self.label_of = {loc: labels.get(loc) or "" for loc in atoms if loc != ""}
        names = sorted({x for x in self.label_of.values() if x})
        self.children = {("whole", ""): [("label", x) for x in names]}
        for loc, label in sorted(self.label_of.items()):
            self.children.setdefault(("label", label) if label else ("whole", ""), []).append(("location", loc))
        self.cells = {("location", loc): cell for loc, cell in atoms.items() if loc != ""}
        for name in names:
            self.cells["label", name] = sum((self.cells[c] for c in self.children["label", name]), _Cell())
        self.cells["whole", ""] = sum(atoms.values(), _Cell())
        self.rule = {key: cell.refused_by(k) for key, cell in self.cells.items()}

    def _remainder(self, key):
        """What is left of a cell after its topmost shown descendants, and these."""
        left, topmost = _Cell(), []
        if key[0] == "whole" and "" in self.atoms:
            left = left + self.atoms[""]
        if key[0] == "location":
            return self.cells[key], []
        for child in self.children.get(key, ()):
            if not self.rule[child]:
                topmost.append(child)
            else:
                below, shown = self._remainder(child)
                left, topmost = left + below, topmost + shown
        return left, topmost

    def protect(self):
        """Hide further cells until no remainder of a shown cell gives anybody away."""
        if self.rule["whole", ""]:
            for key in self.rule:
                self.rule[key] = self.rule[key] or "complement"
            return
        changed = True
        while changed:
            changed = False
            for key in [("whole", ""), *(c for c in self.cells if c[0] == "label")]:
                if self.rule[key]:
                    continue
                left, shown = self._remainder(key)
                if not left.refused_by(self.k):
                    continue
                if not shown:
                    self.rule[key] = "complement"
                else:
                    self.rule[self._sacrifice(left, shown)] = "complement"
                changed = True
                break

    def _sacrifice(self, left, shown):
        """The smallest cell that makes the remainder sound when it is hidden, else the smallest."""

        def gained(cell):
            return left + (self._remainder(cell)[0] if cell[0] == "label" else self.cells[cell])

        ordered = sorted((c for c in shown if self.cells[c].base), key=lambda c: (self.cells[c].base, c))
        return next((c for c in ordered if not gained(c).refused_by(self.k)), ordered[0])

    def rows(self, wave):
        """Rows of the plan: every cell, and the rest of each location's label."""
        found = [
            (wave, level, cell, self.label_of.get(cell, "") if level == "location" else "", self.cells[level, cell].base, rule, not rule)
            for (level, cell), rule in sorted(self.rule.items(), key=lambda x: (["whole", "label", "location"].index(x[0][0]), x[0][1]))
        ]
        for loc, label in sorted(self.label_of.items()):
            parent = ("label", label) if label else ("whole", "")
            shown = not self.rule["location", loc] and not self.rule[parent]
            base = self.cells[parent].base - self.cells["location", loc].base
            shown = shown and base > 0
            found.append((wave, "rest", loc, label, base, "" if shown else "rest", shown))
        return found


def _pooled(everywhere, whole_shown, labels, k):
    """Cells of all waves together."""
    rows, shown_at = [], {}
    order = ["whole", "label", "location"]
    for (level, cell), waves in sorted(everywhere.items(), key=lambda x: (order.index(x[0][0]), x[0][1])):
        total = sum((c for _, c in waves), _Cell())
        if level == "whole":
            hidden = sum((c for shown, c in waves if not shown), _Cell())
            rule = hidden.refused_by(k) and "complement"
        else:
            rule = "" if all(shown for shown, _ in waves) else "complement"
        rule = total.refused_by(k) or rule
        shown_at[level, cell] = not rule
        rows.append((POOLED, level, cell, labels.get(cell, "") if level == "location" else "", total.base, rule, not rule))
    for level, cell in [key for key in shown_at if key[0] == "location"]:
        label = labels.get(cell) or ""
        parent = ("label", label) if label else ("whole", "")
        base = sum(c.base for _, c in everywhere[parent]) - sum(c.base for _, c in everywhere[level, cell])
        shown = shown_at[level, cell] and shown_at[parent] and base > 0
        rows.append((POOLED, "rest", cell, label, base, "" if shown else "rest", shown))
    return rows


# ---- applying it -------------------------------------------------------------------------------------------------------

#: Columns that say what a row is about; all others are what is known of it, and are hidden with it. A result may name more in
#: its meta ``keys``.
KEYS = frozenset(
    """by group other wave wave_order location label region segment level cell attribute column term pair measure outcome role band
    grade answer point class k K item step step_order order trigger theme model form status scale_min scale_max delight_from norm
    touchpoint construct time period claim_id""".split()  # noqa: SIM905
)
#: Columns that name groups, and the column of each one's n.
_GROUPS = {"group": "n", "other": "n_other"}
#: Names in a group column that are no group of the family.
_NO_GROUP = frozenset(("", "rest", "whole", "all", "nan", "None"))
#: What of a location's row rests on the rest of its label.
_REST = re.compile(r"^(rest|diff_rest.*|rest_.*|.*_rest|p_below|p_above|flag)$")
_EXTREME = re.compile(r"^(min|max|minimum|maximum|lowest|highest|q0|q100|range|y_min|y_max)$")
_CATEGORIES = ("grade", "answer", "point", "band", "category", "class", "level", "value", "item", "flag")


def suppress(result, plan, *, wave=None, location=""):
    """The result as a client may see it.

    Parameters
    ----------
    result : Result
    plan : Plan
    wave : str, optional
        Wave of the result where neither its rows nor its meta say it.
    location : str
        The result is about this location alone; its rows on the label, the rest of the label and the organisation are judged for themselves.

    Returns
    -------
    Result
        Rows that must not be shown keep what they are about, have nothing else, status ``suppressed``, and stand last. A note
        ``suppressed`` counts them.

    Notes
    -----
    Rows by location, label or wave follow the plan. In every family of groups (the same question, measure and wave) a group with
    n below `minimum_group` is hidden, or unanimous with n below 30; if the hidden ones of a family are one, or less than
    `minimum_group` together, the next smallest goes too. Rows that are no groups are hidden if their own n is too small. Lowest
    and highest answers are shown from n = 50 on. A result without groups is hidden whole if it rests on too few answers. Tables that
    only count rows (meta ``counts_only``) pass.
    """
    if result.meta.get("counts_only") or not len(result.table.columns):
        return result
    table, k = result.table, plan.minimum_group
    keys = KEYS | set(result.meta.get("keys") or ())
    location = location or result.meta.get("location") or ""
    waves = _waves_of(table, result, plan, wave)
    n = _bases(table, result)
    by = _by(table)
    grouped = np.array([b not in ("", "whole") for b in by], bool)
    asked = _asked(table, result)
    planned = _planned(table, by, waves, asked, plan, location)
    with np.errstate(invalid="ignore"):
        hidden = planned | ((n < k) & (n > 0)) | _unanimous(table, n)
    _families(table, by, waves, asked, n, hidden, planned, grouped, keys, plan)
    if not len(table) and _used(result) is not None and 0 < _used(result) < k:
        return _told(result, table.copy(), np.ones(1, bool), np.zeros(1, bool))
    shown = table.copy()
    for column in [c for c in table.columns if _EXTREME.match(c)]:
        shown[column] = _without(shown[column], ~(n >= EXTREMES_FROM))
    no_rest = [b == "location" and not plan.shown("rest", g, w, q) for b, g, w, q in zip(by, _first_name(table, by), waves, asked)]
    no_rest = np.array(no_rest, bool)
    if no_rest.any() and not location:
        for column in [c for c in table.columns if _REST.match(c)]:
            shown[column] = _without(shown[column], no_rest)
    return _told(result, _blanked(shown, hidden, keys), hidden, grouped)


def _used(result):
    used = result.meta.get("n_used")
    return float(used) if isinstance(used, (int, float)) and not isinstance(used, bool) else None


def _bases(table, result):
    """Answers under each row: its smallest n, else what the result as a whole used."""
    names = [c for c in ("n", "n_other", "n_first", "n_second") if c in table.columns]
    if names:
        values = table[names].apply(pd.to_numeric, errors="coerce").to_numpy(dtype=float)
        with np.errstate(all="ignore"):
            found = np.where(np.isnan(values).all(axis=1), np.nan, np.nanmin(np.where(np.isnan(values), np.inf, values), axis=1))
    else:
        found = np.full(len(table), np.nan)
    used = _used(result)
    return np.where(np.isnan(found), np.nan if used is None else used, found)


def _waves_of(table, result, plan, wave):
    """The wave each row is about; None where nothing says it, so that every wave must allow it."""
    if wave is None:
        wave = result.meta.get("wave")
    if wave is None:
        wave = plan.result.meta.get("wave")
    if wave is None and len(plan.waves) == 1:
        wave = plan.waves[0]
    if "wave" in table.columns:
        return [wave if pd.isna(w) else str(w) for w in table["wave"]]
    waves = [wave] * len(table)
    if "by" in table.columns and "group" in table.columns:
        waves = [str(g) if b == "wave" else w for b, g, w in zip(table["by"], table["group"], waves)]
    return waves


def _asked(table, result):
    """The question each row is about."""
    if "attribute" in table.columns:
        return ["" if pd.isna(a) else str(a) for a in table["attribute"]]
    return [str(result.meta.get("y") or "")] * len(table)


def _by(table):
    """What each row's group is a group of; empty for rows that are no groups."""
    if "by" in table.columns:
        return [("" if pd.isna(b) else str(b)) for b in table["by"]]
    for name in ("location", "label", "segment"):
        if name in table.columns and (name != "label" or "location" not in table.columns):
            return [name] * len(table)
    return [""] * len(table)


def _names(table, by):
    """Columns of group names in a table."""
    if "by" in table.columns:
        return [c for c in _GROUPS if c in table.columns]
    return [c for c in ("location", "label", "segment") if c in set(by)]


def _first_name(table, by):
    """The group each row is about; empty without groups."""
    name = next(iter(_names(table, by)), None)
    return [""] * len(table) if name is None else ["" if pd.isna(g) else str(g) for g in table[name]]


def _planned(table, by, waves, asked, plan, location):
    """Rows that the plan hides: of a hidden whole, location, label or wave."""
    level, cell = ("location", location) if location else ("whole", "")
    beside = ("label", "rest", "organisation") if location else ()
    hidden = np.array([not plan.shown(*(("whole", "") if b in beside else (level, cell)), w) for b, w in zip(by, waves)], bool)
    for name in _names(table, by):
        for i, (b, value, wave, question) in enumerate(zip(by, table[name], waves, asked)):
            if pd.isna(value) or str(value) in _NO_GROUP:
                continue
            if b in ("location", "label", "rest"):
                hidden[i] |= not plan.shown(b, value, wave, question)
            elif b == "wave":
                hidden[i] |= not plan.shown("whole", "", str(value))
    if "wave" in set(by) and "previous" in table.columns:
        hidden |= [b == "wave" and str(p) in plan.waves and not plan.shown("whole", "", str(p)) for b, p in zip(by, table["previous"])]
    if "location" in table.columns and "location" not in set(by):
        for i, (value, wave, question) in enumerate(zip(table["location"], waves, asked)):
            hidden[i] |= not pd.isna(value) and str(value) != "" and not plan.shown("location", value, wave, question)
    return hidden


def _unanimous(table, n):
    """Rows in which all answered alike."""
    alike = np.zeros(len(table), bool)
    few = n < UNANIMOUS_BELOW

    def values(name):
        return pd.to_numeric(table[name], errors="coerce").to_numpy(dtype=float)

    if "sd" in table.columns:
        alike |= values("sd") == 0
    if "share_delighted" in table.columns:
        alike |= np.isin(values("share_delighted"), (0.0, 1.0))
    for name in ("promoters", "passives", "detractors"):
        if name in table.columns:
            alike |= np.isin(values(name), (1.0, 100.0)) & (values(name) != n)
    if "share" in table.columns and not any(c in table.columns for c in _CATEGORIES):
        alike |= np.isin(values("share"), (0.0, 1.0))
    return alike & few & (n > 0)


def _families(table, by, waves, asked, n, hidden, planned, grouped, keys, plan):
    """Hide the next smallest group of every family whose hidden ones could be worked out from its total."""
    names = _names(table, by)
    if not grouped.any() or not names:
        return
    within = sorted((keys & set(table.columns)) - {*names, "status", "wave_order", "label", "location", "region", "order"})
    where = pd.DataFrame({c: table[c].astype(object).where(table[c].notna(), "").astype(str) for c in within}, index=range(len(table)))
    where["by:"] = by
    where["wave:"] = ["" if b == "wave" else str(w) for b, w in zip(by, waves)]
    known = plan.table[plan.table["level"] == "location"]
    label = dict(zip(known["cell"], known["label"]))
    first = _first_name(table, by)
    where["label:"] = [label.get(g, "") if b == "location" else "" for b, g in zip(by, first)]
    columns = {c: [str(v) for v in table[c]] for c in names}
    sizes = {c: pd.to_numeric(table[_GROUPS[c]], errors="coerce").to_numpy(float) if _GROUPS.get(c) in table.columns else n for c in names}
    for key, rows in where[grouped].groupby(list(where.columns), sort=False).groups.items():
        rows = np.asarray(rows)
        about = dict(zip(where.columns, key))
        total_hidden = bool(about["label:"]) and not plan.shown("label", about["label:"], waves[rows[0]], asked[rows[0]])
        family, gone, by_plan = {}, set(), set()
        for c in names:
            for i in rows:
                name = columns[c][i]
                if name in _NO_GROUP:
                    continue
                size = sizes[c][i]
                family[name] = min(family.get(name, np.inf), np.inf if np.isnan(size) else size)
                if planned[i] and c == names[0]:
                    by_plan.add(name)
                if (hidden[i] and c == names[0] and len(names) == 1) or 0 < size < plan.minimum_group:
                    gone.add(name)
        gone |= by_plan if len(names) == 1 else set()
        for i in rows:
            if hidden[i] and len(names) > 1 and "other" in columns and columns["other"][i] in _NO_GROUP:
                gone.add(columns[names[0]][i])
        gone = _completed(family, gone, by_plan, plan.minimum_group, total_hidden)
        for i in rows:
            hidden[i] |= any(columns[c][i] in gone for c in names)


def _completed(family, gone, planned, k, total_hidden):
    """Names to hide: those `gone`, and the next smallest until they are more than one and at least `k` answers together.

    What the plan alone has hidden is sound already, unless it is too few answers to this very question.
    """
    family = {name: size for name, size in family.items() if size > 0}
    gone = {name for name in gone if name in family}
    while gone and len(gone) < len(family):
        total = sum(family[name] for name in gone)  # infinite where an n is not known
        settled = gone <= planned and (total >= k or total_hidden)
        if settled or (len(gone) > 1 and total >= k):
            break
        gone.add(min((name for name in family if name not in gone), key=lambda name: (family[name], name)))
    return gone


def _without(column, where):
    """The column with nothing where `where` holds."""
    if not where.any():
        return column
    if pd.api.types.is_bool_dtype(column.dtype) or pd.api.types.is_integer_dtype(column.dtype):
        column = column.astype("object") if pd.api.types.is_bool_dtype(column.dtype) else column.astype("float64")
    if pd.api.types.is_float_dtype(column.dtype):
        return column.mask(where, np.nan)
    return column.mask(where, None)


def _blanked(table, hidden, keys):
    """The table with nothing but keys in hidden rows, which stand last so that their place in an order says nothing."""
    if not hidden.any():
        return table
    shown = pd.DataFrame({c: table[c] if c in keys else _without(table[c], hidden) for c in table.columns})
    shown["status"] = shown["status"].astype("str").mask(hidden, "suppressed")
    names = [c for c in table.columns if c in keys and c != "status"]
    last = sorted(np.flatnonzero(hidden), key=lambda i: tuple(str(table[c].iloc[i]) for c in names))
    return shown.iloc[[*np.flatnonzero(~hidden), *last]].reset_index(drop=True)


def _told(result, shown, hidden, grouped):
    """The result with the shown table, a note on what is hidden, and nothing in meta and notes that gives it away."""
    if not hidden.any():
        return result.with_table(shown)
    meta, notes = dict(result.meta), list(result.notes)
    if hidden.all():
        meta = {name: None if name.startswith("n_") and name != "n_boot" else value for name, value in meta.items()}
        notes = []
    elif "status" in shown:
        names = [c for c in (*_GROUPS, "location", "label", "segment") if c in shown.columns]
        secret = shown["status"] == "suppressed"
        gone = {str(v) for c in names for v in shown.loc[secret, c].dropna()} - _NO_GROUP
        kept = {str(v) for c in names for v in shown.loc[~secret, c].dropna()}
        notes = [x for x in notes if not _mentions(x.values, gone - kept)]
    notes.append(Note("suppressed", {"rows": int(hidden.sum()), "groups": int((hidden & grouped).sum()), "of": len(shown)}))
    status = "suppressed" if hidden.all() else result.status
    return Result(shown, meta, tuple(notes), status)


def _mentions(value, names):
    if isinstance(value, dict):
        return any(_mentions(v, names) or str(k) in names for k, v in value.items())
    if isinstance(value, (list, tuple)):
        return any(_mentions(v, names) for v in value)
    return str(value) in names
