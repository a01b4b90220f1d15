"""Two rival accounts of the same yes-and-no answers: levels reached one after the other, or one general impression.

A set of levels looks cumulative also where nothing but a general impression is at work and the questions of higher levels are harder to
say yes to. Both accounts are fitted to the answers by maximum likelihood, and compared respondent by respondent.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import stats
from scipy.special import expit, log_expit

#: Points at which a general impression, normally distributed, is evaluated.
IMPRESSIONS = np.linspace(-4, 4, 41)


@dataclass(frozen=True)
class Account:
    """A fitted account.

    Attributes
    ----------
    loglik : ndarray of shape (patterns,)
        Log-likelihood of one respondent with each pattern of answers.
    parameters : int
    converged : bool
    """

    loglik: np.ndarray
    parameters: int
    converged: bool


def _posterior(yes, asked, chance_logs, weight_logs):
    """Chances of the classes given the answers, shape (patterns, classes), and the log-likelihood of each pattern."""
    log_yes, log_no = chance_logs
    joint = yes @ log_yes.T + (asked - yes) @ log_no.T + weight_logs
    top = joint.max(axis=1, keepdims=True)
    part = np.exp(joint - top)
    total = part.sum(axis=1, keepdims=True)
    return part / total, (top + np.log(total))[:, 0]


def general_impression(yes, asked, w, *, rounds=500):
    """One impression behind all answers, each question harder or easier and more or less telling (Birnbaum's two-parameter model).

    Parameters
    ----------
    yes, asked : arrays of shape (patterns, questions), 0 and 1
        A question that was not asked, or does not apply, counts for nothing.
    w : array of shape (patterns,)
        Respondents with each pattern.

    Returns
    -------
    Account

    Notes
    -----
    P(yes to j) = 1 / (1 + exp(-(a_j t + b_j))), t standard normal; EM with Newton steps (Bock & Aitkin 1981).
    """
    yes, asked, w = (np.asarray(v, dtype=float) for v in (yes, asked, w))
    t = IMPRESSIONS
    log_weight = -(t**2) / 2
    log_weight = log_weight - np.log(np.exp(log_weight).sum())
    share = np.clip((w @ yes) / np.maximum(w @ asked, 1e-9), 0.01, 0.99)
    a, b, last = np.full(yes.shape[1], 1.5), 1.3 * np.log(share / (1 - share)), -np.inf
    for _ in range(rounds):
        line = t[:, None] * a + b
        chance, loglik = _posterior(yes, asked, (log_expit(line), log_expit(-line)), log_weight)
        if w @ loglik - last < 1e-6 * w.sum():
            break
        last = w @ loglik
        some = (chance * w[:, None]).T
        n, hits = some @ asked, some @ yes
        for _ in range(2):
            p = expit(t[:, None] * a + b)
            off, spread = hits - n * p, n * p * (1 - p)
            # a hair of shrinkage keeps the slope of a question that everybody answers alike from running away
            to_a, to_b = (off * t[:, None]).sum(axis=0) - 0.002 * a, off.sum(axis=0)
            aa, ab, bb = (spread * t[:, None] ** 2).sum(axis=0) + 0.002, (spread * t[:, None]).sum(axis=0), spread.sum(axis=0) + 1e-9
            det = aa * bb - ab**2
            a, b = a + np.clip((bb * to_a - ab * to_b) / det, -1, 1), b + np.clip((aa * to_b - ab * to_a) / det, -1, 1)
    else:
        return Account(loglik, 2 * yes.shape[1], False)
    return Account(loglik, 2 * yes.shape[1], True)


def levels_in_order(yes, asked, w, level, *, rounds=2000):
    """Everybody stands at a level, says yes to what is at or below it and no to what is above, but for an error rate of each question.

    Parameters
    ----------
    yes, asked, w
        As in `general_impression`.
    level : array of shape (questions,)
        Level of each question.

    Returns
    -------
    Account

    References
    ----------
    Proctor, C. H. (1970). Psychometrika 35, 73-78. Dayton, C. M. & Macready, G. B. (1976). Psychometrika 41, 189-204.
    """
    yes, asked, w = (np.asarray(v, dtype=float) for v in (yes, asked, w))
    rank = np.unique(level, return_inverse=True)[1] + 1
    within = (np.arange(rank.max() + 1)[:, None] >= rank[None, :]).astype(float)
    shares, errs, last = np.full(len(within), 1 / len(within)), np.full(yes.shape[1], 0.1), -np.inf
    parameters = rank.max() + yes.shape[1]
    for _ in range(rounds):
        p = within * (1 - errs) + (1 - within) * errs
        chance, loglik = _posterior(yes, asked, (np.log(p), np.log(1 - p)), np.log(shares))
        if w @ loglik - last < 1e-6 * w.sum():
            return Account(loglik, parameters, True)
        last = w @ loglik
        some = (chance * w[:, None]).T
        n, hits = some @ asked, some @ yes
        shares = np.maximum(some.sum(axis=1) / w.sum(), 1e-12)
        errs = np.clip((within * (n - hits) + (1 - within) * hits).sum(axis=0) / np.maximum(n.sum(axis=0), 1e-9), 1e-6, 0.5)
    return Account(loglik, parameters, False)


def compare(levels, impression, at, design, n_eff):
    """Do the levels explain the answers better than the general impression? (z, one-sided p).

    Parameters
    ----------
    levels, impression : Account
    at : array of shape (respondents,)
        Pattern of each respondent.
    design : Design
        Gives the standard error of the mean difference in log-likelihood.
    n_eff : float
        Answers that the penalty for parameters (Schwarz) counts.

    References
    ----------
    Vuong, Q. H. (1989). Econometrica 57, 307-333.
    """
    if not (levels.converged and impression.converged):
        return np.nan, np.nan
    found = design.mean((levels.loglik - impression.loglik)[at])
    if not found.se > 1e-12:
        return np.nan, np.nan
    z = (found.value - (levels.parameters - impression.parameters) * np.log(n_eff) / 2 / n_eff) / found.se
    return float(z), float(stats.norm.sf(z))
