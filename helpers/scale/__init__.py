"""Half a million reviews in bounded memory: read, embedded, kept, searched, grouped, mapped.

    parts = scale.split("Reviews.csv", "out/all")            # numbered Parquet files
    scale.embed(parts, scale.Embedder("wordllama-256", "embedded"))
    positions, cosines = scale.search(parts, queries)

One module each: `standin` (a file to practise on), `parts` (the folder), `steps` (what is done part by part),
`models` (groups, UMAP), `index` (approximate search), `cluster` (Dask), `plan` (what it will cost). Imported
here is what needs no heavy package; `index`, `cluster` and `models` are imported by name.
"""

from helpers.scale import plan, standin
from helpers.scale.parts import Parts, open_parts, split
from helpers.scale.steps import (
    Embedder,
    Moments,
    Sums,
    directions,
    each_part,
    embed,
    kmeans_pass,
    labels_part,
    moments,
    places_part,
    search,
)

__all__ = [
    "Embedder",
    "Moments",
    "Parts",
    "Sums",
    "directions",
    "each_part",
    "embed",
    "kmeans_pass",
    "labels_part",
    "moments",
    "open_parts",
    "places_part",
    "plan",
    "search",
    "split",
    "standin",
]
