"""Studies: folders that say what a client's questions mean."""

from delight.study.labels import Labels
from delight.study.study import Design, Source, Study, Weights, load, open_study

open = open_study

__all__ = ["Design", "Labels", "Source", "Study", "Weights", "load", "open", "open_study"]
