"""What a lesson lets its reader move or type into, and small coloured texts: one module a topic.

A widget keeps its result in an `HTML` widget's value and recomputes it when a trait changes; it prints
nothing and loads nothing from the network. Every text is escaped: what somebody types is shown, never run.
Colours come with fixed dark letters, so that they read in JupyterLab's light and dark themes alike.
Left out: figures (`plots`).
"""

from helpers.widgets.clusters import cluster_explorer, group_page
from helpers.widgets.comparison import ways_box, ways_table
from helpers.widgets.documents import chunk_explorer, chunk_page, chunk_summary
from helpers.widgets.maps import review_map
from helpers.widgets.predictions import star_guess, star_guesser, threshold_slider, threshold_table
from helpers.widgets.sampling import insertion_box, insertion_page
from helpers.widgets.search import search_box, search_results, side_by_side
from helpers.widgets.texts import neighbour_browser, neighbours, ranking, sentence_ranker, token_strips
from helpers.widgets.training_files import label_box, label_tokens
from helpers.widgets.tuning import class_bars, live_loss, model_box

__all__ = [
    "chunk_explorer",
    "chunk_page",
    "chunk_summary",
    "class_bars",
    "cluster_explorer",
    "group_page",
    "insertion_box",
    "insertion_page",
    "label_box",
    "label_tokens",
    "live_loss",
    "model_box",
    "neighbour_browser",
    "neighbours",
    "ranking",
    "review_map",
    "search_box",
    "search_results",
    "sentence_ranker",
    "side_by_side",
    "star_guess",
    "star_guesser",
    "threshold_slider",
    "threshold_table",
    "token_strips",
    "ways_box",
    "ways_table",
]
