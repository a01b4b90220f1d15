"""What binds customers: loyalty regression, the satisfaction-loyalty curve, the rule of 8.5, emotional bonds, switching and goodwill.

>>> from delight import loyalty
>>> loyalty.across(loyalty.curve, responses, outcomes, x="overall", scales=scales)   # doctest: +SKIP
"""

from delight.loyalty.curve import curve, matrix
from delight.loyalty.forms import forms, steps
from delight.loyalty.gate import gate, gate_units
from delight.loyalty.goodwill import goodwill, recovery, stock
from delight.loyalty.hazard import hazard
from delight.loyalty.outcome import ORDER, across, emotion_score
from delight.loyalty.panel import prior, twice_answered
from delight.loyalty.path import ECSI, PathModel, ecsi, path_model
from delight.loyalty.regimes import regimes, zones
from delight.loyalty.regression import blocks, regression
from delight.loyalty.relation import bond, contrast, exceeded, level_affect, mediation
from delight.loyalty.switching import stated
from delight.loyalty.threshold import rule

__all__ = [
    "ECSI",
    "ORDER",
    "PathModel",
    "across",
    "blocks",
    "bond",
    "contrast",
    "curve",
    "ecsi",
    "emotion_score",
    "exceeded",
    "forms",
    "gate",
    "gate_units",
    "goodwill",
    "hazard",
    "level_affect",
    "matrix",
    "mediation",
    "path_model",
    "prior",
    "recovery",
    "regimes",
    "regression",
    "rule",
    "stated",
    "steps",
    "stock",
    "twice_answered",
    "zones",
]
