"""Every figure of the lessons, each with its alternative text: `plots.stars(...)` and so on.

A figure says in words what it shows for those who cannot see it (`core.show`). One module a topic.
Left out: figures to move and to type into (`widgets`).
"""

from helpers.plots.clusters import chance_range, choosing_k, group_stars, kmeans_steps
from helpers.plots.comparison import before_after, by_examples, crossed, ways_compared
from helpers.plots.core import COLOURS, MARKERS, show
from helpers.plots.documents import answers_found, chunk_sizes, page_pieces
from helpers.plots.maps import (
    explained_variance,
    kept_on_map,
    labelled_map,
    map_from_sides,
    map_grid,
    map_quality,
    most_spread,
    stars_on_map,
)
from helpers.plots.reviews import seen_before, stars, token_counts
from helpers.plots.sampling import next_tokens, seam_quality
from helpers.plots.scale import found_and_time, many_places, over_rows
from helpers.plots.scores import confusion, reliability, roc, score_curves, score_intervals
from helpers.plots.search import intervals, search_quality, threshold_cost
from helpers.plots.training_files import first_tokens, learning_curves, token_growth
from helpers.plots.tuning import loss_by_epoch, training_curves
from helpers.plots.vectors import arrows, cosine_spread, quality_by_dimensions, similarity_map

__all__ = [
    "COLOURS",
    "MARKERS",
    "answers_found",
    "arrows",
    "before_after",
    "by_examples",
    "chance_range",
    "choosing_k",
    "chunk_sizes",
    "confusion",
    "cosine_spread",
    "crossed",
    "explained_variance",
    "first_tokens",
    "found_and_time",
    "group_stars",
    "intervals",
    "kept_on_map",
    "kmeans_steps",
    "labelled_map",
    "learning_curves",
    "loss_by_epoch",
    "many_places",
    "map_from_sides",
    "map_grid",
    "map_quality",
    "most_spread",
    "next_tokens",
    "over_rows",
    "page_pieces",
    "quality_by_dimensions",
    "reliability",
    "roc",
    "score_curves",
    "score_intervals",
    "seam_quality",
    "search_quality",
    "seen_before",
    "show",
    "similarity_map",
    "stars",
    "stars_on_map",
    "threshold_cost",
    "token_counts",
    "token_growth",
    "training_curves",
    "ways_compared",
]
