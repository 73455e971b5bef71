"""Training and validation sets: the same share of every class, and equal or almost equal prompts on one side.

Prompts are almost equal when their letters and digits are, without regard to case. Left out: prompts that
differ in a word; `helpers.near_duplicates` finds those.
"""

import numpy as np

from helpers.prepare.facts import Facts


def allot(facts: Facts, share: float, by_class: bool, seed: int = 0) -> np.ndarray:
    """The numbers of the examples that are kept aside for validation: int64, rising.

    About `share` of the examples (of each class, if `by_class`), never more, but at least one group of equal
    prompts of each class that has two that are small enough. The same for the same examples and seed.
    Raises ValueError unless 0 < share < 1.
    """
    if not 0 < share < 1:
        raise ValueError(f"the share must lie between 0 and 1, but is {share}")
    hashes = np.frombuffer(facts.group_hashes, dtype=np.int64)
    _, first, group, sizes = np.unique(hashes, return_index=True, return_inverse=True, return_counts=True)
    labels = _classes(facts, by_class)[first]  # a group belongs to the class of its first example
    dice = np.random.default_rng(seed)
    chosen = np.zeros(len(first), dtype=bool)
    in_order = np.argsort(first)  # not by hashes, which differ from run to run
    for label in np.unique(labels):
        groups = in_order[labels[in_order] == label]
        groups = groups[dice.permutation(len(groups))]
        total = int(sizes[groups].sum())
        target = max(int(share * total + 0.5), 1)
        if len(groups) > 1:
            chosen[groups[np.cumsum(sizes[groups]) <= target]] = True
    numbers = np.asarray(facts.numbers, dtype=np.int64)
    return np.sort(numbers[chosen[group]])


def _classes(facts: Facts, by_class: bool) -> np.ndarray:
    """Each example's class as a number, in the order of their first examples."""
    if not by_class:
        return np.zeros(facts.rows, dtype=np.int64)
    hashes = np.frombuffer(facts.completion_hashes, dtype=np.int64)
    _, first, inverse = np.unique(hashes, return_index=True, return_inverse=True)
    rank = np.empty(len(first), dtype=np.int64)
    rank[np.argsort(first)] = np.arange(len(first))
    return rank[inverse]
