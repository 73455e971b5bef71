"""Models that look at one part after the other: groups by MiniBatchKMeans, a map by UMAP from a sample.

    centres = minibatch_centres(parts, k=8)                     # one pass
    places = umap_places(parts, fitted=2_000)                   # the rest are put among the sample

Left out: how many groups, and whether they are any (lesson 04); what a map shows (lesson 05).
"""

from collections.abc import Iterator

import numpy as np

from helpers.errors import DataError
from helpers.scale import steps
from helpers.scale.parts import Parts

START_FROM = 2_000  # rows, of all parts, among which the first centres are sought


def sample_centres(parts: Parts, k: int, *, seed: int = 0) -> np.ndarray:
    """`k` centres (k, d), float64: the best of ten KMeans on START_FROM rows drawn from all parts.

    Raises DataError for fewer rows than groups.
    """
    from sklearn.cluster import KMeans
    from threadpoolctl import threadpool_limits

    if not 1 <= k <= parts.rows:
        raise DataError(f"{parts.rows:,} rows cannot make {k} groups: choose k from 1 to {parts.rows:,}.")
    _, some = parts.sample(max(START_FROM, k), seed=seed)
    with threadpool_limits(1):
        return KMeans(k, n_init=10, random_state=seed).fit(some.astype(np.float64)).cluster_centers_


def minibatch_centres(
    parts: Parts, k: int, *, passes: int = 1, batch: int = 2_048, seed: int = 0
) -> np.ndarray:
    """`k` centres (k, d), float64, by scikit-learn's MiniBatchKMeans, which sees `batch` rows at a time.

    It starts from the best of ten KMeans on a sample, since its first centres are all that it ever improves.
    D. Sculley, "Web-scale k-means clustering", WWW 2010. Raises DataError for fewer rows than groups.
    """
    from sklearn.cluster import MiniBatchKMeans
    from threadpoolctl import threadpool_limits

    start = sample_centres(parts, k, seed=seed)
    with threadpool_limits(1):
        model = MiniBatchKMeans(
            k, init=start, n_init=1, batch_size=batch, reassignment_ratio=0, random_state=seed
        )
        for _ in range(passes):
            for number in range(len(parts)):
                vectors = parts.vectors(number).astype(np.float64)
                for rows in range(0, len(vectors), batch):
                    model.partial_fit(vectors[rows : rows + batch])
    return model.cluster_centers_


def by_size(parts: Parts, centres: np.ndarray) -> tuple[np.ndarray, steps.Sums]:
    """`centres`, that with the most rows first, and what all rows tell about them (`kmeans_pass`)."""
    found = steps.kmeans_pass(parts, centres)
    order = np.argsort(-found.counts, kind="stable")
    return centres[order], steps.Sums(found.counts[order], found.sums[order], found.inertia)


def umap_places(
    parts: Parts, *, fitted: int = 2_000, neighbours: int = 15, seed: int = 0
) -> Iterator[np.ndarray]:
    """Places (rows, 2) of each part on a UMAP map that is fitted on a sample of `fitted` rows.

    The rest are put among the sample (`transform`): new rows do not move old ones, and a kind of review that
    the sample lacks has no place of its own. The first map in a process takes some 12 s to compile.
    """
    from helpers.projection import _umap_class

    _, some = parts.sample(fitted, seed=seed)
    model = _umap_class()(n_neighbors=neighbours, metric="cosine", random_state=seed, n_jobs=1)
    model.fit(some)
    for number in range(len(parts)):
        yield model.transform(parts.vectors(number)).astype(np.float32)
