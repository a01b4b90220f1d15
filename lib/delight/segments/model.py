"""A fitted segmentation as something to keep: how answers are coded, the classes, their names; and assigning people by it."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pandas as pd

from delight.errors import StudyError
from delight.estimate import need_columns
from delight.result import Result, plain
from delight.segments import em
from delight.segments.needs import FORMATS, Coding

VERSION = 1


@dataclass(frozen=True)
class SegmentModel:
    """Latent classes with their codes and names.

    Attributes
    ----------
    coding : Coding
    params : tuple of ndarray
        Shares of the classes, and the parameters of `em.Answers` (probabilities) or `em.Wishes` (means, log variances).
    names : tuple of str
        Language-neutral codes such as ``unburden-me`` or ``group-a``, in the order of the shares.
    labels : dict
        code -> {language: name}, where a person or the study gave one.
    about : dict
        Where the model came from (study, wave, n, ...).
    """

    coding: Coding
    params: tuple
    names: tuple
    labels: dict = field(default_factory=dict)
    about: dict = field(default_factory=dict)

    @property
    def shares(self):
        return self.params[0]

    def posterior(self, frame):
        """Posterior probability of each class, shape (rows, classes); NaN where too few needs were answered."""
        return self.coding.kind(self.coding.rows(frame)).posterior(self.params)

    def as_dict(self):
        """As `segments.json` holds it; ``names`` stands first, because that is what a person edits."""
        names = {name: {"nl": "", "en": "", "da": "", **self.labels.get(name, {})} for name in self.names}
        about = {"version": VERSION, "names": names, "needs": {"items": list(self.coding.items), **self.coding.as_dict()}, "classes": []}
        for k, name in enumerate(self.names):
            one = {"code": name, "share": float(self.shares[k])}
            if self.coding.within:
                one["wishes"] = dict(zip(self.coding.items, plain(self.params[1][k])))
            else:
                where = em.item_slices(self.coding.levels)
                one["probabilities"] = {item: plain(self.params[1][k, w]) for item, w in zip(self.coding.items, where)}
            about["classes"].append(one)
        if self.coding.within:
            about["variances"] = dict(zip(self.coding.items, plain(np.exp(self.params[2]))))
        return {**about, "made_from": plain(self.about)}

    def save(self, path):
        """Write `segments.json`; return the path."""
        path = Path(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(self.as_dict(), ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
        return path

    @classmethod
    def from_dict(cls, about, *, where="segments.json"):
        """Read what `as_dict` made; `StudyError` names what is wrong."""
        wrong = []
        try:
            if about["version"] != VERSION:
                raise StudyError(f"{where}: version {about['version']} is not known; this workbook reads version {VERSION}.")
            needs, classes = about["needs"], about["classes"]
            items = tuple(str(i) for i in needs["items"])
            cuts, values = (tuple(float(v) for v in needs[key]) for key in ("cuts", "values"))
            coded = Coding(items, str(needs["form"]), bool(needs["within"]), cuts, values)
            names = tuple(str(c["code"]) for c in classes)
            shares = np.array([float(c["share"]) for c in classes])
            if coded.within:
                means = np.array([[float(c["wishes"][i]) for i in items] for c in classes])
                variances = np.array([float(about["variances"][i]) for i in items])
                if not (np.isfinite(means).all() and (variances > 0).all()):
                    wrong.append("a wish is no number or a variance is not positive")
                params = (shares, means, np.log(np.maximum(variances, 1e-12)))
            else:
                probs = np.array([np.concatenate([np.asarray(c["probabilities"][i], dtype=float) for i in items]) for c in classes])
                if probs.shape[1] != sum(coded.levels):
                    wrong.append(f"{probs.shape[1]} probabilities a class where the needs have {sum(coded.levels)} levels")
                elif (probs < 0).any() or any(np.abs(probs[:, w].sum(axis=1) - 1).max() > 1e-3 for w in em.item_slices(coded.levels)):
                    wrong.append("the probabilities of an item do not add up to one")
                params = (shares, probs)
        except (KeyError, IndexError, TypeError, ValueError) as error:
            raise StudyError(
                f"{where} is not a confirmed segmentation ({type(error).__name__}: {error}). Copy the proposal of chapter 30-segments again."
            ) from None
        if coded.form not in FORMATS:
            wrong.append(f"needs are asked as {', '.join(FORMATS)}, not {coded.form!r}")
        if len(names) < 2:
            wrong.append("there are fewer than two classes")
        if len(set(names)) != len(names):
            wrong.append("two classes have the same code")
        unsafe = [n for n in names if not re.fullmatch(r"[a-z0-9][a-z0-9-]*", n)]
        if unsafe:
            wrong.append(f"a code is lower-case letters, digits and dashes, not {unsafe[0]!r}")
        if (shares <= 0).any() or abs(shares.sum() - 1) > 1e-3:
            wrong.append("the shares of the classes do not add up to one")
        if wrong:
            raise StudyError(f"{where}: " + "; ".join(wrong) + ". Copy the proposal of chapter 30-segments again.")
        texts = about.get("names")
        texts = texts if isinstance(texts, dict) else {}
        labels = {n: {str(k): str(v) for k, v in texts[n].items() if v} for n in names if isinstance(texts.get(n), dict)}
        labels = {n: given for n, given in labels.items() if given}
        return cls(coded, params, names, labels, dict(about.get("made_from") or {}))

    @classmethod
    def load(cls, path):
        """Read a confirmed `segments.json`."""
        try:
            about = json.loads(Path(path).read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            name = Path(path).name
            raise StudyError(f"{name} cannot be read ({error}). Copy the proposal of chapter 30-segments again.") from None
        return cls.from_dict(about, where=str(Path(path).name))

    def renamed(self, names):
        """The same classes under other codes."""
        return replace(self, names=tuple(names))


def assign(frame, *, model, respondent="respondent", status="ok"):
    """Give every respondent a posterior probability of each segment, and the most probable one.

    Parameters
    ----------
    frame : DataFrame, one row a response; unchanged.
    model : SegmentModel
    respondent : str
        Column of pseudonyms; copied where present.
    status : str
        Status of rows that could be assigned, such as ``response_style``.

    Returns
    -------
    Result
        One row a response in the order of `frame`: ``respondent, segment`` (None where no need was answered), ``certainty``
        (the largest posterior), ``post_<code>`` for each segment, ``status``.

    Raises
    ------
    InputError
        A need of the model is not in the table.
    """
    need_columns(frame, model.coding.items)
    chance = model.posterior(frame)
    seen = ~np.isnan(chance[:, 0])
    modal = np.where(seen, np.nan_to_num(chance, nan=-1).argmax(axis=1), -1)
    names = np.array([*model.names, None], dtype=object)
    table = pd.DataFrame({"respondent": frame[respondent].to_numpy()} if respondent in frame else {}, index=range(len(frame)))
    table["segment"] = names[modal]
    table["certainty"] = np.where(seen, np.nan_to_num(chance).max(axis=1), np.nan)
    for k, name in enumerate(model.names):
        table[f"post_{name}"] = chance[:, k]
    table["status"] = np.where(seen, status, "insufficient")
    return Result.of(
        "M17.assignment",
        table,
        function="delight.segments.model.assign",
        status=status if seen.any() else "insufficient",
        segments=list(model.names),
        items=list(model.coding.items),
        within=model.coding.within,
        n_in=len(frame),
        n_used=int(seen.sum()),
        n_dropped_missing=int((~seen).sum()),
    )


def posteriors(assignment):
    """(codes, ndarray of shape (rows, classes)) of an assignment table; one class without a name where there are no segments."""
    names = list(assignment.meta.get("segments", ()))
    if not names:  # no segments: everybody together
        return [""], np.ones((len(assignment.table), 1))
    return names, assignment.table[[f"post_{n}" for n in names]].to_numpy(dtype=float)
