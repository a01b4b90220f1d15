"""What binds customers: loyalty regression, the satisfaction-loyalty curve, the test of a threshold, and the path model.

>>> from delight import loyalty
>>> loyalty.across(loyalty.curve, responses, outcomes, x="overall", scales=scales)   # doctest: +SKIP
"""

from delight.loyalty.curve import curve, matrix
from delight.loyalty.forms import forms, steps
from delight.loyalty.outcome import ORDER, across, emotion_score
from delight.loyalty.path import ECSI, PathModel, ecsi, path_model
from delight.loyalty.regression import blocks, regression
from delight.loyalty.threshold import rule

__all__ = [
    "ECSI",
    "ORDER",
    "PathModel",
    "across",
    "blocks",
    "curve",
    "ecsi",
    "emotion_score",
    "forms",
    "matrix",
    "path_model",
    "regression",
    "rule",
    "steps",
]
