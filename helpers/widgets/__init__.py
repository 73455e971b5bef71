"""What a lesson lets its reader move or type into, and small coloured texts: one module a topic.

A widget keeps its result in an `HTML` widget's value and recomputes it when a trait changes; it prints
nothing and loads nothing from the network. Every text is escaped: what somebody types is shown, never run.
Colours come with fixed dark letters, so that they read in JupyterLab's light and dark themes alike.
Left out: figures (`plots`).
"""

from helpers.widgets.texts import neighbour_browser, neighbours, ranking, sentence_ranker, token_strips

__all__ = ["neighbour_browser", "neighbours", "ranking", "sentence_ranker", "token_strips"]
