"""Users and products as mean vectors, and recommendations, judged on reviews that had no part in them.

A user is the mean of the vectors of their reviews, a product the mean of those written about it (so OpenAI's
cookbook does it). To judge such a mean by a review, that review must not be inside it: `mean_of_others`
leaves it out, and `held_out` puts each user's last liked review aside altogether.

Nothing is learned here, and everything is counted anew for each hidden review, in memory: fine for thousands
of reviews, not for millions. Left out: collaborative filtering by matrix factorisation, which needs far more
reviews per user; prices, stock, and everything else that a shop would know.
"""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from helpers.errors import DataError
from helpers.search import paired_difference

LIKED_FROM = 4  # stars
WAYS = ("vectors", "also liked", "popular")
FEWEST = 100  # users (or products) below which a lesson draws no conclusion, whatever its interval says

# ----------------------------------------------------------------------------- means


def mean_of_all(values: ArrayLike, keys: Sequence[str]) -> np.ndarray:
    """For each row the mean over all rows with its key, itself included; `values`: (n,) or (n, d)."""
    sums, counts = _sums(values, keys)
    return sums / _like(counts, sums)


def mean_of_others(values: ArrayLike, keys: Sequence[str]) -> np.ndarray:
    """For each row the mean over the *other* rows with its key: NaN where there are none.

    `values`: (n,) or (n, d), one row per key of `keys`, (n,). Returns float64 of the shape of `values`.
    """
    values = np.asarray(values, dtype=float)
    sums, counts = _sums(values, keys)
    others = _like(counts - 1.0, sums)
    return np.where(others > 0, (sums - values) / np.where(others > 0, others, 1), np.nan)


def _sums(values: ArrayLike, keys: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """For each row the sum over all rows with its key, and how many these are."""
    values = np.asarray(values, dtype=float)
    codes, names = pd.factorize(np.asarray(keys, dtype=object))
    if len(codes) != len(values):
        raise DataError(f"There are {len(values):,} values and {len(codes):,} keys: one key per value.")
    sums = np.zeros((len(names), *values.shape[1:]))
    np.add.at(sums, codes, values)
    return sums[codes], np.bincount(codes, minlength=len(names))[codes]


def _like(counts: np.ndarray, values: np.ndarray) -> np.ndarray:
    return counts.reshape(-1, *[1] * (values.ndim - 1))


def row_cosines(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """The cosine of each row of `left`, (n, d), with the same row of `right`; NaN where either is NaN.

    Returns float64 (n,). A row of zeros has the cosine 0.
    """
    lengths = np.linalg.norm(left, axis=1) * np.linalg.norm(right, axis=1)
    products = np.einsum("ij,ij->i", left, right)
    return products / np.where(lengths == 0, 1, lengths)


def user_product_cosines(rows: pd.DataFrame, vectors: np.ndarray, *, inside: bool) -> np.ndarray:
    """For each review the cosine of its user's vector with its product's, float64 (n,).

    `vectors`: (n, d), one per row. `inside`: whether the review itself is part of both means. NaN, in both
    cases, where the user or the product has no other review, so that both cases are about the same reviews.
    """
    others = row_cosines(mean_of_others(vectors, rows.UserId), mean_of_others(vectors, rows.ProductId))
    if not inside:
        return others
    everything = row_cosines(mean_of_all(vectors, rows.UserId), mean_of_all(vectors, rows.ProductId))
    return np.where(np.isnan(others), np.nan, everything)


# ----------------------------------------------------------------------------- do cosines foretell stars?


def correlation(
    scores: ArrayLike, stars: ArrayLike, groups: Sequence[str], *, draws: int = 2_000, seed: int = 0
) -> dict[str, float]:
    """How far the rank of `scores` goes along with `stars`, both (n,); rows whose score is NaN are left out.

    As in the cookbook: Pearson's correlation of the score's percentile rank with the stars. Returns
    "reviews", "groups" (how many are left), "correlation", and "low" and "high": a 95 % bootstrap interval
    over `groups`, the users for instance, since reviews by one user are not independent. NaN where nothing
    varies.
    """
    kept, codes, count = _known(groups, scores)
    score, rated = _percentiles(scores, kept), np.asarray(stars, dtype=float)[kept]
    low, high = _interval(lambda weights: _pearson(score, rated, weights), codes, count, draws, seed)
    value = _pearson(score, rated)
    return {"reviews": int(kept.sum()), "groups": count, "correlation": value, "low": low, "high": high}


def correlation_difference(
    scores: ArrayLike,
    others: ArrayLike,
    stars: ArrayLike,
    groups: Sequence[str],
    *,
    draws: int = 2_000,
    seed: int = 0,
) -> tuple[float, float, float]:
    """The `correlation` of `scores` less that of `others`, with a 95 % interval: (difference, low, high).

    Paired: both over the same reviews (those where neither is NaN) and the same drawn `groups`. Sharper than
    to compare two intervals, as what both have in common falls out.
    """
    kept, codes, count = _known(groups, scores, others)
    ours, theirs = _percentiles(scores, kept), _percentiles(others, kept)
    rated = np.asarray(stars, dtype=float)[kept]

    def difference(weights: np.ndarray | None = None) -> float:
        return _pearson(ours, rated, weights) - _pearson(theirs, rated, weights)

    low, high = _interval(difference, codes, count, draws, seed)
    return difference(), low, high


def with_intervals(results: Mapping[str, Mapping[str, float]]) -> dict[str, tuple[float, float, float]]:
    """(correlation, low, high) of each of `results`, which `correlation` gave, for `plots.intervals`."""
    return {name: (r["correlation"], r["low"], r["high"]) for name, r in results.items()}


def in_words(results: Mapping[str, Mapping[str, float]]) -> str:
    """A line for each of `results`, with a warning where fewer than FEWEST groups are behind a number."""
    return "\n".join(
        f"{name:22} {r['correlation']:z5.2f}  {r['reviews']:3} reviews, {r['groups']:3} groups"
        + (": too few to conclude anything" if r["groups"] < FEWEST else "")
        for name, r in results.items()
    )


def leak_in_words(inside: ArrayLike, outside: ArrayLike, stars: ArrayLike, groups: Sequence[str]) -> str:
    """Whether a review inside the means foretells itself: the `correlation_difference`, and what it says."""
    change, low, high = correlation_difference(inside, outside, stars, groups)
    text = f"itself inside - itself out: {change:+z.3f}, 95 % interval {low:+z.3f} to {high:+z.3f}\n"
    if len(set(np.asarray(groups, dtype=object)[np.isfinite(inside)])) < FEWEST:
        return text + "These are too few users to say whether the review foretells itself."
    if low > 0:
        return text + "The review foretells itself, by more than chance explains."
    return text + "That does not show that the review foretells itself."


def _known(groups: Sequence[str], *scores: ArrayLike) -> tuple[np.ndarray, np.ndarray, int]:
    """Which rows have all `scores`; the group of each of these as a number; how many groups there are."""
    kept = np.isfinite([np.asarray(values, dtype=float) for values in scores]).all(axis=0)
    codes, names = pd.factorize(np.asarray(groups, dtype=object)[kept])
    return kept, codes, len(names)


def _percentiles(scores: ArrayLike, kept: np.ndarray) -> np.ndarray:
    return pd.Series(np.asarray(scores, dtype=float)[kept]).round(9).rank(pct=True).to_numpy()


def _interval(
    measure: Callable[[np.ndarray], float], codes: np.ndarray, count: int, draws: int, seed: int
) -> tuple[float, float]:
    """The middle 95 % of `measure` over draws of groups, given how often each row was drawn."""
    generator = np.random.default_rng(seed)
    drawn = []
    for _ in range(draws if count > 1 else 0):
        times = np.bincount(generator.integers(count, size=count), minlength=count)
        drawn.append(measure(times[codes]))
    known = np.array([value for value in drawn if np.isfinite(value)])
    low, high = np.quantile(known, [0.025, 0.975]) if len(known) else (np.nan, np.nan)
    return float(low), float(high)


def _pearson(left: np.ndarray, right: np.ndarray, weights: np.ndarray | None = None) -> float:
    weights = np.ones(len(left)) if weights is None else weights
    if weights.sum() < 2:
        return float("nan")
    left, right = (values - np.average(values, weights=weights) for values in (left, right))
    spread = (weights * left**2).sum() * (weights * right**2).sum()
    return float((weights * left * right).sum() / np.sqrt(spread)) if spread > 1e-12 else float("nan")


# ----------------------------------------------------------------------------- recommending


def held_out(rows: pd.DataFrame) -> np.ndarray:
    """Which rows to put aside, bool (n,): each user's last liked review.

    Only of users who have liked another product too; and none of a user who has reviewed the product of that
    last one more than once, since it is not new to them. Of one day's reviews the one with the greater Id is
    later.
    """
    later = rows.reset_index(drop=True).sort_values(["Time", "Id"], kind="stable")
    liked = later[later.Score >= LIKED_FROM]
    several = liked[liked.groupby("UserId").ProductId.transform("nunique") > 1]
    again = later.index[later.duplicated(["UserId", "ProductId"], keep=False)]
    last = several.drop_duplicates("UserId", keep="last").index.difference(again)
    return np.isin(np.arange(len(rows)), last)


def ranks_of_hidden(rows: pd.DataFrame, vectors: np.ndarray, hidden: np.ndarray) -> pd.DataFrame:
    """Where three ways of recommending put the product that a user went on to like; one row per hidden one.

    `vectors`: (n, d), one per row; `hidden`: bool (n,), as `held_out` gives it. Used are the rows that are
    not hidden and *earlier* than the hidden one (by Time, then Id): a shop could not have had the others.
    Every product is ranked that has such a review and none by this user. Hidden products without any cannot
    be recommended by anyone and are left out; `attrs["unreachable"]` counts them.
    Columns: user, product, candidates, and for each way two: `better_WAY`, how many candidates score higher,
    and `ties_WAY`, how many score the same, itself included. The ways:
    vectors      cosine of the mean vector of the reviews in which the user liked something with the
                 product's mean vector;
    also liked   customers who liked what this user liked: how many of them liked the product, each counted
                 as often as there are things that both liked;
    popular      how many customers liked it.
    """
    rows, given = rows.reset_index(drop=True), np.asarray(vectors, dtype=float)
    when = np.empty(len(rows), dtype=int)  # the place of each review in time
    when[np.lexsort((rows.Id, rows.Time))] = np.arange(len(rows))
    found, unreachable = [], 0
    for place in np.flatnonzero(hidden):
        user, product = rows.UserId[place], rows.ProductId[place]
        known = np.flatnonzero(~hidden & (when < when[place]))
        scores = _scores(rows.iloc[known], given[known], user)
        if product not in scores.index:
            unreachable += 1
            continue
        entry = {"user": user, "product": product, "candidates": len(scores)}
        for way in WAYS:
            values = scores[way].round(9)
            entry[f"better_{way}"] = int((values > values[product]).sum())
            entry[f"ties_{way}"] = int((values == values[product]).sum())
        found.append(entry)
    counts = [f"{kind}_{way}" for way in WAYS for kind in ("better", "ties")]
    result = pd.DataFrame(found, columns=["user", "product", "candidates", *counts])
    result.attrs["unreachable"] = unreachable
    return result


def _scores(known: pd.DataFrame, vectors: np.ndarray, user: str) -> pd.DataFrame:
    """For each product new to `user` its score by each of WAYS; `known`: the reviews, `vectors` theirs."""
    codes, products = pd.factorize(known.ProductId, sort=True)
    means = np.zeros((len(products), vectors.shape[1]))
    np.add.at(means, codes, vectors)
    means /= np.maximum(np.linalg.norm(means, axis=1, keepdims=True), 1e-12)  # only the direction counts
    who = known.UserId.to_numpy()
    liked = known.Score.to_numpy() >= LIKED_FROM
    likes = pd.DataFrame({"user": who[liked], "product": products[codes[liked]]}).drop_duplicates()
    mine = likes["product"][likes.user == user]
    shared = likes[likes["product"].isin(mine) & (likes.user != user)].user.value_counts()
    scores = {
        "vectors": pd.Series(means @ vectors[liked & (who == user)].sum(axis=0), index=products),
        "also liked": likes.user.map(shared).fillna(0).groupby(likes["product"]).sum(),
        "popular": likes["product"].value_counts(),
    }
    return pd.DataFrame(scores, index=products).fillna(0).drop(index=products[codes[who == user]].unique())


def hits(ranks: pd.DataFrame, way: str, k: int = 10) -> np.ndarray:
    """For each hidden review whether its product is among the first `k`, float (n,), from 0 to 1.

    Between 0 and 1 where the k-th place falls among equal scores: the share of the ties that gets in, which
    is what drawing their order by lot would give on average. `way` "chance" ranks all candidates by lot.
    """
    if way == "chance":
        return np.minimum(k / ranks["candidates"].to_numpy(float), 1)
    better, ties = (ranks[f"{name}_{way}"].to_numpy(float) for name in ("better", "ties"))
    return np.clip((k - better) / ties, 0, 1)


def report(ranks: pd.DataFrame, k: int = 10) -> str:
    """How often each way, and chance, has the hidden product among the first `k`, a line each.

    With the difference from "popular" in percentage points and its 95 % interval; below FEWEST hidden
    reviews, one per user, only the counts.
    """
    lines = []
    for way in (*WAYS, "chance"):
        hit = hits(ranks, way, k)
        if len(ranks) < FEWEST:
            lines.append(f"{way:10} {hit.sum():.1f} hits of {len(ranks)}")
            continue
        line = f"{way:10} {hit.mean():6.1%} hits"
        if way != "popular":
            mean, low, high = (100 * value for value in paired_difference(hit, hits(ranks, "popular", k)))
            line += f"; against popular {mean:+z.1f} points, from {low:+z.1f} to {high:+z.1f}"
        lines.append(line)
    if len(ranks) < FEWEST:
        lines.append("These are too few users to conclude anything about any of the ways.")
    return "\n".join(lines)
