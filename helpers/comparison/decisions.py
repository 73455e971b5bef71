"""What the scores of several splits settle, and what they leave open.

The margin is stated beforehand: a way is as good as the best one when the interval of their differences lies
below it. "Not beaten" would not do: whatever varies most, or was measured least, is not beaten. Left out: a
correction for having picked the best one by these same scores, which flatters its lead a little.
"""

from collections.abc import Mapping, Sequence

import pandas as pd

from helpers import scores

MARGIN = 0.05  # of a score from 0 to 1: less than this is not worth more effort
NONE_YET = "none yet: label more"


def decide(
    found: Mapping[str, pd.DataFrame],
    score_name: str,
    ratio: float,
    effort: Sequence[str],
    baseline: str = "majority class",
    margin: float = MARGIN,
) -> dict[str, str]:
    """Which way to take, and how far the figures support it.

    `found`: each way's scores, one row a split; `effort`: names from the least effort to the most. The best
    has the highest mean. By the interval of the differences, best minus other, split by split, another way is
    "surely worse" (it lies above 0), else "as good" (it lies below `margin`), else "open": these splits do
    not tell. Both above 0 and below the margin is as good. Taken is the first, by effort, that is as good or
    the best itself; nothing, when the best does not beat the baseline. Returns take, best, as good, surely
    worse, open (names with ", ").
    """
    names = [name for name in effort if name in found and name != baseline]
    means = {name: round(float(found[name][score_name].mean()), 9) for name in names}
    best = max(names, key=means.__getitem__)  # of equal ones, the one with less effort
    groups: dict[str, list[str]] = {"as good": [], "surely worse": [], "open": []}
    for name in names:
        if name == best:
            continue
        gain = difference(found, best, name, score_name, ratio)
        worse, close = gain.low > scores.TINY, gain.high < margin
        groups["as good" if close else "surely worse" if worse else "open"].append(name)
    useful = difference(found, best, baseline, score_name, ratio).low > scores.TINY
    good = [name for name in names if name == best or name in groups["as good"]]
    told = {name: ", ".join(listed) for name, listed in groups.items()}
    return {"take": good[0] if useful else NONE_YET, "best": best, **told}


def difference(
    found: Mapping[str, pd.DataFrame], first: str, second: str, score_name: str, ratio: float
) -> scores.Interval:
    """`first` minus `second`, split by split, with the corrected interval (`scores.interval`)."""
    return scores.interval(found[first][score_name] - found[second][score_name], ratio)
