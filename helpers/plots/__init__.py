"""Every figure of the lessons, each with its alternative text: `plots.stars(...)` and so on.

A figure says in words what it shows for those who cannot see it (`core.show`). One module a topic.
Left out: figures to move and to type into (`widgets`).
"""

from helpers.plots.core import COLOURS, MARKERS, show
from helpers.plots.reviews import seen_before, stars, token_counts
from helpers.plots.vectors import arrows, cosine_spread, quality_by_dimensions, similarity_map

__all__ = [
    "COLOURS",
    "MARKERS",
    "arrows",
    "cosine_spread",
    "quality_by_dimensions",
    "seen_before",
    "show",
    "similarity_map",
    "stars",
    "token_counts",
]
