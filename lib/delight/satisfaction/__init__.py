"""How satisfied are our customers? Levels, promoters, waves, groups and small locations (methods M02, M03, M38, M42)."""

from delight.satisfaction.groups import compare
from delight.satisfaction.levels import bands, distribution, levels
from delight.satisfaction.locations import pooled, pooled_shares
from delight.satisfaction.nps import nps, nps_compare, nps_paired
from delight.satisfaction.waves import waves

__all__ = [
    "bands",
    "compare",
    "distribution",
    "levels",
    "nps",
    "nps_compare",
    "nps_paired",
    "pooled",
    "pooled_shares",
    "waves",
]
