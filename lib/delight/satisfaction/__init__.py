"""How satisfied are our customers? Levels, promoters, waves, groups and small locations (methods M02, M03, M38, M42)."""

from delight.satisfaction.attributes import attributes
from delight.satisfaction.groups import compare, groupings
from delight.satisfaction.levels import bands, distribution, levels
from delight.satisfaction.locations import pooled, pooled_shares
from delight.satisfaction.nps import nps, nps_compare, nps_paired
from delight.satisfaction.parts import parts
from delight.satisfaction.targets import beside
from delight.satisfaction.waves import waves

__all__ = [
    "attributes",
    "bands",
    "beside",
    "compare",
    "distribution",
    "groupings",
    "levels",
    "nps",
    "nps_compare",
    "nps_paired",
    "parts",
    "pooled",
    "pooled_shares",
    "waves",
]
