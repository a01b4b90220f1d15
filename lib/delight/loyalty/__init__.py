"""What binds customers: loyalty regression, the satisfaction-loyalty curve, and the test of a threshold.

>>> from delight import loyalty
>>> loyalty.across(loyalty.curve, responses, outcomes, x="overall", scales=scales)   # doctest: +SKIP
"""

from delight.loyalty.curve import curve, matrix
from delight.loyalty.forms import forms, steps
from delight.loyalty.outcome import ORDER, across, emotion_score
from delight.loyalty.regression import blocks, regression
from delight.loyalty.threshold import rule

__all__ = ["ORDER", "across", "blocks", "curve", "emotion_score", "forms", "matrix", "regression", "rule", "steps"]
