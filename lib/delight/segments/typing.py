"""A few golden questions that tell a customer's segment: chosen, weighed, judged on answers not seen, and written down as a formula."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy import stats

from delight import estimate, resample
from delight.errors import InputError, StudyError
from delight.result import Note, Result, plain
from delight.segments.needs import answers

VERSION = 1
#: Golden questions at most, and the gain in accuracy for which one more is worth asking.
MOST, WORTH = 6, 0.01
#: Parts of the respondents for cross-validation.
FOLDS = 10
#: Fewest respondents of a segment that can be told from others.
FEWEST = 20
#: Share of the within-segment covariance drawn towards its diagonal, so that twin questions cannot blow the weights up.
SHRINK = 0.02


@dataclass(frozen=True)
class TypingTool:
    """A scoring formula: the score of a segment is its constant plus the sum of answers times weights; the highest score tells the segment.

    Attributes
    ----------
    questions : tuple of str
        In the order of their worth.
    segments : tuple of str
    weights : ndarray of shape (1 + questions, segments)
        Constants first.
    form : str
        How the questions are asked (`needs.FORMATS`).
    about : dict
        Where the formula comes from.
    """

    questions: tuple
    segments: tuple
    weights: np.ndarray
    form: str = "rating"
    about: dict = field(default_factory=dict)

    def scores(self, frame):
        """Score of every segment, shape (rows, segments); NaN where a question is not answered."""
        estimate.need_columns(frame, self.questions)
        x = answers(frame, self.questions, self.form)
        score = np.repeat(self.weights[:1], len(x), axis=0)
        for j in range(x.shape[1]):  # in the order in which a spreadsheet adds, so that both give the same to the last digit
            score = score + x[:, [j]] * self.weights[j + 1]
        return score

    def assign(self, frame, *, respondent="respondent"):
        """Segment of every respondent by the golden questions alone.

        Returns
        -------
        Result
            As `model.assign`: ``respondent, segment, certainty, post_<code>`` and ``status`` (``insufficient`` with a question unanswered).
        """
        score = self.scores(frame)
        told = np.isfinite(score).all(axis=1)
        chance = np.exp(score - np.where(told, score.max(axis=1, initial=-np.inf), 0)[:, None])
        chance = np.where(told[:, None], chance / chance.sum(axis=1, keepdims=True), np.nan)
        table = pd.DataFrame({"respondent": frame[respondent].to_numpy()} if respondent in frame else {}, index=range(len(frame)))
        names = np.array([*self.segments, None], dtype=object)
        table["segment"] = names[np.where(told, np.nan_to_num(score, nan=-np.inf).argmax(axis=1), -1)]
        table["certainty"] = np.where(told, np.nan_to_num(chance).max(axis=1), np.nan)
        for k, name in enumerate(self.segments):
            table[f"post_{name}"] = chance[:, k]
        table["status"] = np.where(told, "ok", "insufficient")
        return Result.of(
            "M17.typed",
            table,
            function="delight.segments.typing.TypingTool.assign",
            status="ok" if told.any() else "insufficient",
            segments=list(self.segments),
            items=list(self.questions),
            n_in=len(frame),
            n_used=int(told.sum()),
            n_dropped_missing=int((~told).sum()),
        )

    def as_dict(self):
        rows = [{"question": q, "weights": plain(w)} for q, w in zip(self.questions, self.weights[1:])]
        return {
            "version": VERSION,
            "form": self.form,
            "segments": list(self.segments),
            "constant": plain(self.weights[0]),
            "questions": rows,
            "made_from": plain(self.about),
        }

    def save(self, path):
        """Write the formula as JSON, every digit of it; return the path."""
        path = Path(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(self.as_dict(), ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
        return path

    @classmethod
    def from_dict(cls, about, *, where="typing.json"):
        """Read what `as_dict` made; `StudyError` says what is wrong."""
        try:
            if about["version"] != VERSION:
                raise StudyError(f"{where}: version {about['version']} is not known; this workbook reads version {VERSION}.")
            questions, segments = [str(q["question"]) for q in about["questions"]], [str(s) for s in about["segments"]]
            weights = np.array([about["constant"], *(q["weights"] for q in about["questions"])], dtype=float)
            form, made = str(about["form"]), dict(about.get("made_from") or {})
        except (KeyError, TypeError, ValueError) as error:
            raise StudyError(
                f"{where} is no typing tool ({type(error).__name__}: {error}). Take the one of chapter 30-segments again."
            ) from None
        if weights.shape != (1 + len(questions), len(segments)) or len(segments) < 2 or not np.isfinite(weights).all():
            raise StudyError(
                f"{where}: one weight for each of the segments is needed in every row. Take the one of chapter 30-segments again."
            )
        return cls(tuple(questions), tuple(segments), weights, form, made)

    @classmethod
    def load(cls, path):
        """Read a saved formula."""
        try:
            about = json.loads(Path(path).read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise StudyError(f"{Path(path).name} cannot be read ({error}). Take the one of chapter 30-segments again.") from None
        return cls.from_dict(about, where=Path(path).name)

    def save_workbook(self, path, *, labels=None, names=None, rows=500):
        """Write a spreadsheet that types customers: answers go in on the left, formulas tell scores and segment on the right.

        Parameters
        ----------
        path : str or Path
        labels, names : dict, optional
            Question -> wording, segment -> name; codes where absent.
        rows : int
            Customers it has room for.
        """
        from openpyxl import Workbook
        from openpyxl.styles import Font, PatternFill
        from openpyxl.utils import get_column_letter as letter

        book, labels, names = Workbook(), labels or {}, names or {}
        sheet = book.active
        sheet.title = "typing"
        q, s = len(self.questions), len(self.segments)
        first, top = q + 2, s + 3  # column of the first score; row of the headings of the answers
        last, line = letter(first + s - 1), "${0}${1}:${2}${1}"

        def write(row, column, value, bold=False):
            cell = sheet.cell(row, column, value)
            cell.font = Font(bold=bold)
            if isinstance(value, str):
                cell.data_type = "s"  # words of a study are never formulas

        write(1, 1, "segment", True)
        for j, question in enumerate(("constant", *self.questions), 2):
            write(1, j, str(labels.get(question, question)), True)
        for k, segment in enumerate(self.segments, 2):
            write(k, 1, str(names.get(segment, segment)), True)
            for j in range(q + 1):
                write(k, j + 2, float(self.weights[j, k - 2]))
        for j, question in enumerate(self.questions, 1):
            write(top, j, str(labels.get(question, question)), True)
        for k, segment in enumerate((*self.segments, "segment")):
            write(top, first + k, str(names.get(segment, segment)), True)
        for row in range(top + 1, top + 1 + rows):
            full = f"COUNT($A{row}:${letter(q)}{row})={q}"
            for k in range(s):
                weights = line.format("C", k + 2, letter(q + 2))
                sheet.cell(row, first + k, f'=IF({full},$B${k + 2}+SUMPRODUCT($A{row}:${letter(q)}{row},{weights}),"")')
            score = f"${letter(first)}{row}:${last}{row}"
            sheet.cell(row, first + s, f'=IF({full},INDEX($A$2:$A${s + 1},MATCH(MAX({score}),{score},0)),"")')
            for j in range(1, q + 1):
                sheet.cell(row, j).fill = PatternFill("solid", fgColor="FFF4E5")
        sheet.freeze_panes = sheet.cell(top + 1, 1)
        path = Path(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        book.save(path)
        return path


class Typing(NamedTuple):
    """The golden questions of a segmentation.

    Attributes
    ----------
    formula : Result
        One row a question (the constant first): weights of every segment.
    quality : Result
        One row a measure, on answers that played no part in choosing and weighing the questions.
    confusion : Result
        One row a segment and the segment told by the questions.
    tool : TypingTool or None
        None where no tool can be made.
    """

    formula: Result
    quality: Result
    confusion: Result
    tool: TypingTool | None


def golden(
    frame,
    assignment,
    *,
    questions,
    form="rating",
    most=MOST,
    worth=WORTH,
    weights=None,
    weights_kind="sampling",
    about=None,
    ci_level=0.95,
    seed=20250101,
):
    """Choose at most `most` questions that tell the segment of a customer, and the formula that does.

    Parameters
    ----------
    frame : DataFrame, one row a response; unchanged.
    assignment : Result
        Segments of the same rows in the same order (`assign` or `find`).
    questions : sequence of str
        Candidates, usually the needs; a respondent who left one open is left out and counted.
    form : str
        How they were asked (`needs.FORMATS`).
    most : int
    worth : float
        Gain in cross-validated accuracy for which one more question is asked.
    weights, weights_kind : optional
    about : dict, optional
        Kept in the tool.
    ci_level, seed

    Returns
    -------
    Typing
        ``formula``: ``order, question`` (``constant`` first), ``weight_<segment>``, ``accuracy`` (cross-validated, with the questions up to this
        one), counts. ``quality``: ``measure`` (``accuracy, kappa, baseline, recall``), ``segment, value, value_lo, value_hi``, counts;
        ``baseline`` says everybody belongs to the largest segment. ``confusion``: ``segment, told, n, share`` (of the segment).
        ``insufficient`` with fewer than two segments of 20 respondents.

    Notes
    -----
    Linear discriminants: with Σ the covariance within segments, 2 % drawn to its diagonal, weights Σ⁻¹ m_k and constant
    log π_k - ½ m_k' Σ⁻¹ m_k; the softmax of the scores is the probability of a segment. Questions enter one by one by ten-fold
    cross-validated accuracy. That accuracy is flattered by the choice; ``quality`` is not: questions are chosen and weighed anew within the
    other nine tenths for each tenth that is told (nested cross-validation). Accuracy: Wilson interval; kappa: delta method.

    References
    ----------
    Fisher (1936). Cohen (1960). Varma & Simon (2006), BMC Bioinformatics 7, 91 (nested cross-validation).
    """
    questions = list(dict.fromkeys(questions))
    if not questions or most < 1:
        raise InputError("A typing tool takes at least one question to choose from and one to ask.")
    if len(frame) != len(assignment.table):
        raise InputError(f"The assignment has {len(assignment.table)} rows where the table has {len(frame)}; give the same rows.")
    estimate.need_columns(frame, questions)
    cases = _Cases(frame, assignment, questions, form, weights, weights_kind, seed)
    meta = {**cases.meta, "ci_level": ci_level, "seed": seed, "most": most, "worth": worth, "form": form, "candidates": questions}
    meta |= {"segments": cases.names, "keys": ["question", "segment", "told", "measure"]}
    if len(cases.names) < 2 or cases.size.min() < FEWEST:
        return _none(cases, meta)
    every = np.arange(FOLDS)
    chosen, reached = cases.choose(every, most, worth)
    right = np.zeros((len(cases.names), len(cases.names)))
    counted = right.copy()
    for fold in every:
        rest = every[every != fold]
        inner, _ = cases.choose(rest, most, worth)
        told = cases.tell(cases.fit(inner, rest), inner)
        np.add.at(right, (cases.group, told), cases.mass[:, fold])
        np.add.at(counted, (cases.group, told), cases.units[:, fold])
    weights_found = cases.fit(chosen, every)
    names = [questions[j] for j in chosen]
    tool = TypingTool(tuple(names), tuple(cases.names), weights_found, form, {**(about or {}), "n": cases.n, "seed": seed})
    rows = [
        {"order": i, "question": q, **{f"weight_{s}": float(w) for s, w in zip(cases.names, row)}, "accuracy": a, **cases.counts}
        for i, (q, row, a) in enumerate(zip(["constant", *names], weights_found, [cases.share.max(), *reached]))
    ]
    quality = _quality(cases, right, counted, ci_level)
    return Typing(
        _result("formula", rows, meta),
        _result("quality", quality, meta, Note("nested", {"folds": FOLDS, "questions": len(names)})),
        _result("confusion", _confusion(cases, right, counted), meta),
        tool,
    )


class _Cases:
    """Respondents with a segment and an answer to every candidate, in folds, with the sums that any set of questions is weighed from."""

    def __init__(self, frame, assignment, questions, form, weights, weights_kind, seed):
        used = estimate.sample(frame.reset_index(drop=True), [], weights=weights, weights_kind=weights_kind)
        x = answers(frame, questions, form)[used.frame.index]
        segment = assignment.table["segment"].to_numpy()[used.frame.index]
        self.names = [s for s in assignment.meta.get("segments", ()) if (segment == s).any()]
        group = np.array([self.names.index(s) if s in self.names else -1 for s in segment], dtype=int)
        kept = np.isfinite(x).all(axis=1) & (group >= 0)
        x, group, w = x[kept], group[kept], used.w[kept]
        units = np.rint(w).astype(int) if used.kind == "frequency" else np.ones(len(w), dtype=int)
        self.n = int(units.sum())
        self.counts = {"n": self.n, "n_missing": used.n_in - self.n, "n_eff": float(self.n)}
        if used.kind == "sampling":
            self.counts["n_eff"] = estimate.kish(w)
        self.counts["status"] = estimate.base_status(self.n, self.counts["n_eff"])
        self.meta = {"n_in": used.n_in, "n_used": self.n, "n_dropped_missing": used.n_in - self.n}
        self.meta |= {"n_eff": self.counts["n_eff"], "weights": used.kind}
        # alike respondents are dealt to the folds in turn: no fold depends on the order of the rows, and two alike count as one of weight two
        distinct, at = np.unique(
            np.column_stack([group, w if used.kind == "sampling" else np.zeros(len(w)), x]), axis=0, return_inverse=True
        )
        at, k = at.ravel(), len(self.names)
        number = np.bincount(at, units, len(distinct)).astype(int)
        shuffled = resample.generator(seed, "M17.typing").permutation(len(distinct))
        order = shuffled[np.argsort(distinct[shuffled, 0], kind="stable")] if len(distinct) else shuffled
        ends = np.empty(len(distinct), dtype=int)
        ends[order] = np.cumsum(number[order])
        fold = np.arange(FOLDS)
        self.units = (ends[:, None] - 1 - fold) // FOLDS - (ends[:, None] - number[:, None] - 1 - fold) // FOLDS
        weight = distinct[:, 1] if used.kind == "sampling" else np.ones(len(distinct))
        self.mass = self.units * weight[:, None]
        self.group, self.x = distinct[:, 0].astype(int), distinct[:, 2:]
        self.size = np.bincount(self.group, number, k) if k else np.zeros(1)
        mine = (self.group[:, None] == np.arange(k)).astype(float)
        spread = self.mass[:, :, None] * mine[:, None, :]
        self.total = spread.sum(axis=0)
        self.first = np.einsum("ifk,ij->fkj", spread, self.x)
        self.second = np.einsum("if,ij,il->fjl", self.mass, self.x, self.x, optimize=True)
        self.share = self.total.sum(axis=0) / self.total.sum() if self.n else np.full(max(k, 1), np.nan)

    def fit(self, chosen, folds):
        """Weights of the questions `chosen` from these folds, shape (1 + questions, segments)."""
        pick = np.asarray(chosen, dtype=int)
        size = self.total[folds].sum(axis=0)
        means = self.first[folds].sum(axis=0)[:, pick] / size[:, None]
        within = self.second[folds].sum(axis=0)[np.ix_(pick, pick)] - (means * size[:, None]).T @ means
        within /= size.sum() - len(size)
        diagonal = np.maximum(np.diag(within), 1e-9)
        weights = np.linalg.solve((1 - SHRINK) * within + SHRINK * np.diag(diagonal) + 1e-9 * np.eye(len(pick)), means.T)
        return np.vstack([np.log(size / size.sum()) - 0.5 * (means.T * weights).sum(axis=0), weights])

    def tell(self, weights, chosen):
        """The segment that a formula tells for every distinct row."""
        return (self.x[:, np.asarray(chosen, dtype=int)] @ weights[1:] + weights[0]).argmax(axis=1)

    def accuracy(self, chosen, folds):
        """Cross-validated accuracy of a set of questions within these folds."""
        right = 0.0
        for fold in folds:
            told = self.tell(self.fit(chosen, folds[folds != fold]), chosen)
            right += self.mass[told == self.group, fold].sum()
        return float(right / self.mass[:, folds].sum())

    def choose(self, folds, most, worth):
        """(questions in the order of their worth, accuracy with each further one): forward selection within these folds."""
        chosen, reached = [], []
        while len(chosen) < min(most, self.x.shape[1]):
            tried = {j: self.accuracy([*chosen, j], folds) for j in range(self.x.shape[1]) if j not in chosen}
            best = max(tried, key=lambda j: (tried[j], -j))
            if chosen and tried[best] < reached[-1] + worth:
                break
            chosen.append(best)
            reached.append(tried[best])
        return chosen, reached


def _quality(cases, right, counted, ci_level):
    """Rows of accuracy, kappa, baseline and the recall of every segment."""
    p = right / right.sum()
    n = cases.counts["n_eff"]
    agreed, rows, columns = np.trace(p), p.sum(axis=1), p.sum(axis=0)
    chance = rows @ columns
    kappa = (agreed - chance) / (1 - chance) if chance < 1 else np.nan
    # influence of one respondent in cell (i, j) on kappa: d kappa/d agreed and d kappa/d chance
    slope = (np.eye(len(p)) - (1 - kappa) * (columns[:, None] + rows[None, :])) / (1 - chance) if chance < 1 else p * np.nan
    error = np.sqrt(max((p * slope**2).sum() - (p * slope).sum() ** 2, 0) / n)
    half = stats.norm.ppf(0.5 + ci_level / 2) * error
    found = [
        ("accuracy", "", agreed, *estimate.wilson(agreed, n, ci_level), cases.counts),
        ("kappa", "", kappa, kappa - half, min(kappa + half, 1.0), cases.counts),
        ("baseline", "", rows.max(), *estimate.wilson(rows.max(), n, ci_level), cases.counts),
    ]
    for k, name in enumerate(cases.names):
        base = int(round(counted[k].sum()))
        own, share = n * rows[k], p[k, k] / rows[k]
        counts = {**cases.counts, "n": base, "n_eff": own, "status": estimate.base_status(base, own)}
        found.append(("recall", name, share, *estimate.wilson(share, own, ci_level), counts))
    return [{"measure": m, "segment": s, "value": v, "value_lo": lo, "value_hi": hi, **c} for m, s, v, lo, hi, c in found]


def _confusion(cases, right, counted):
    return [
        {
            **cases.counts,
            **{"segment": a, "told": b, "count": int(round(counted[i, j])), "share": float(right[i, j] / right[i].sum())},
            **{
                "n": int(round(counted[i].sum())),
                "status": estimate.base_status(counted[i].sum(), cases.counts["n_eff"] * right[i].sum() / right.sum()),
            },
        }
        for i, a in enumerate(cases.names)
        for j, b in enumerate(cases.names)
    ]


def _none(cases, meta):
    """Tables of the same shape where no tool can be made."""
    base = {**cases.counts, "status": "insufficient"}
    value = {"value": np.nan, "value_lo": np.nan, "value_hi": np.nan}
    formula = [{"order": 0, "question": "constant", "accuracy": np.nan, **base}]
    quality = [{"measure": m, "segment": "", **value, **base} for m in ("accuracy", "kappa", "baseline")]
    confusion = [{"segment": "", "told": "", "count": 0, "share": np.nan, **base}]
    return Typing(_result("formula", formula, meta), _result("quality", quality, meta), _result("confusion", confusion, meta), None)


def _result(name, rows, meta, *notes):
    return Result.of(f"M17.typing_{name}", rows, function="delight.segments.typing.golden", notes=notes, **meta)
