import numpy as np
import pytest
from exercise_cases import Case, make_tests
from sklearn.metrics import f1_score, roc_auc_score
from sklearn.model_selection import train_test_split

from helpers import scores
from helpers.exercises import lesson_06 as check

COUNTS = np.array([[6, 2, 4], [1, 2, 15], [1, 1, 68]])
HITS, ROWS, COLUMNS = COUNTS.diagonal(), COUNTS.sum(axis=1), COUNTS.sum(axis=0)
F1 = 2 * HITS / (ROWS + COLUMNS)

STARS = np.repeat([1, 2, 3, 4, 5], [10, 6, 8, 20, 76])

UNHAPPY, HAPPY = [0.9, 0.7, 0.4, 0.4], [0.6, 0.4, 0.1]  # 8 pairs in order, 2 ties, 2 out of order

VALIDATION = (np.array([1, 1, 0, 0, 0, 0], bool), np.array([0.8, 0.33, 0.3, 0.2, 0.1, 0.05]))
TEST = (np.array([1, 1, 0, 0, 0, 0, 0], bool), np.array([0.9, 0.25, 0.6, 0.32, 0.28, 0.1, 0.05]))


def with_copies(stars, train, generator):
    most = np.bincount(stars[train]).max()
    balanced = []
    for star in np.unique(stars[train]):
        own = train[stars[train] == star]
        balanced.extend(own)
        balanced.extend(generator.choice(own, most - len(own)))
    return np.array(balanced)


def split_first(stars, seed):
    positions = np.arange(len(stars))
    train, test = train_test_split(positions, test_size=0.2, random_state=seed, stratify=stars)
    return with_copies(stars, train, np.random.default_rng(seed)), test


def by_permutation(stars, seed):
    generator = np.random.default_rng(seed)
    positions = generator.permutation(len(stars))
    cut = len(stars) // 5
    return [list(with_copies(stars, positions[cut:], generator)), list(positions[:cut])]


def the_leak(stars, seed):
    balanced = with_copies(stars, np.arange(len(stars)), np.random.default_rng(seed))
    return train_test_split(balanced, test_size=0.2, random_state=seed)


def positions_within_train(stars, seed):
    train, test = never_balanced(stars, seed)
    most = np.bincount(stars[train]).max()
    balanced = list(train)
    for star in np.unique(stars):
        own = np.flatnonzero(stars[train] == star)
        balanced.extend(np.random.default_rng(seed).choice(own, most - len(own)))
    return np.array(balanced), test


def test_side_balanced_too(stars, seed):
    train, test = split_first(stars, seed)
    return train, with_copies(stars, test, np.random.default_rng(seed))


test_side_balanced_too.__test__ = False


def never_balanced(stars, seed):
    return train_test_split(np.arange(len(stars)), test_size=0.2, random_state=seed, stratify=stars)


def drops_the_frequent(stars, seed):
    train, test = never_balanced(stars, seed)
    fewest = min(np.bincount(stars[train])[np.unique(stars)])
    return np.concatenate([train[stars[train] == star][:fewest] for star in np.unique(stars)]), test


def without_the_seed(stars, _seed):
    return split_first(stars, 0)


def half_for_the_test(stars, seed):
    train, test = train_test_split(np.arange(len(stars)), test_size=0.5, random_state=seed, stratify=stars)
    return with_copies(stars, train, np.random.default_rng(seed)), test


def gives_stars(stars, seed):
    train, test = split_first(stars, seed)
    return stars[train], stars[test]


def gives_masks(stars, seed):
    train, test = split_first(stars, seed)
    return np.isin(np.arange(len(stars)), train), np.isin(np.arange(len(stars)), test)


def median(p):
    return 1 + int(np.argmax(np.cumsum(p) >= 0.5))


def least_expected_error(p):
    stars = np.arange(1, 6)
    return min(stars, key=lambda answer: (abs(stars - answer) * p).sum())


def most_probable(p):
    return np.argmax(p) + 1


def costs(truth, probability, read=1, miss=10):
    return scores.costs(truth, probability, scores.THRESHOLDS, read, miss)


def chosen_cost():
    chosen = costs(*VALIDATION).argmin()
    return costs(*TEST)[chosen]


CASES = [
    Case(
        "macro_f1",
        lambda answer: check.macro_f1(answer, COUNTS),
        solutions=[F1.mean(), round(F1.mean(), 2), np.float64(F1.mean())],
        wrong=[
            (HITS.sum() / COUNTS.sum(), "accuracy"),
            ((HITS / ROWS).mean(), "mean of the recalls"),
            ((HITS / COLUMNS).mean(), "mean of the precisions"),
            (np.average(F1, weights=ROWS), "weighs each class by its reviews"),
            (F1.sum(), "sum over the classes"),
            (F1.mean() / 2, "Half of it"),
            (100 * F1.mean(), "percentage"),
            (np.sqrt(HITS**2 / ROWS / COLUMNS).mean(), "root"),
            (0.1, "hits on the diagonal"),
        ],
        secret=f"{F1.mean():.2f}",
    ),
    Case(
        "balanced_split",
        lambda answer: check.balanced_split(answer, STARS),
        solutions=[split_first, by_permutation],
        wrong=[
            (the_leak, "on both sides"),
            (positions_within_train, "counts positions within train"),
            (test_side_balanced_too, "the test side holds copies"),
            (never_balanced, "equally often"),
            (drops_the_frequent, "on neither side"),
            (without_the_seed, "Use the seed"),
            (half_for_the_test, "A fifth"),
            (gives_stars, "on both sides"),
            (gives_masks, "array of positions"),
            (lambda stars, seed: split_first(stars, seed)[0], "two arrays"),
            (lambda stars: split_first(stars, 0), "TypeError"),
            (lambda stars, seed: [part + 1 for part in split_first(stars, seed)], "positions from 0 to 19"),
        ],
    ),
    Case(
        "auroc",
        lambda answer: check.auroc(answer, UNHAPPY, HAPPY),
        solutions=[0.75, 9 / 12, np.float32(0.75)],
        wrong=[
            (10 / 12, "counted it as in order"),
            (8 / 12, "counted it as out of order"),
            (0.8, "left it out"),
            (0.25, "wrong way round"),
            (9, "a number of pairs"),
            (8, "a number of pairs"),
            (4 / 7, "accuracy at the threshold"),
            (0.5, "above 0.5, or the pairs"),
            (9 / 7, "not by the number of reviews"),
            (75, "percentage"),
            (0.93, "Put each unhappy review"),
        ],
        secret="0.75",
    ),
    Case(
        "cost_of_choice",
        lambda answer: check.cost_of_choice(answer, VALIDATION, TEST, 1, 10),
        solutions=[chosen_cost(), int(chosen_cost()), float(chosen_cost())],
        wrong=[
            (costs(*TEST).min(), "chosen on the test side"),
            (costs(*VALIDATION).min(), "cost on the validation side"),
            (0.31, "That is the threshold"),
            (costs(*TEST)[49], "threshold 0.5"),
            (3, "number of cases flagged"),
            (30, "position of the threshold"),
            (chosen_cost() + costs(*VALIDATION).min(), "both sides together"),
            (costs(*TEST)[9], "the rule gives"),
            (chosen_cost() / 7, "cost of one review"),
            (77, "cost of every threshold"),
        ],
    ),
    Case(
        "median_star",
        lambda answer: check.median_star(answer, check.DISTRIBUTIONS),
        solutions=[median, least_expected_error, lambda p: float(median(p))],
        wrong=[
            (most_probable, "most probable star"),
            (lambda p: p @ np.arange(1, 6), "you give the mean"),
            (lambda p: round(p @ np.arange(1, 6)), "the mean, rounded"),
            (lambda p: np.argmax(np.cumsum(p) >= 0.5), "one too low"),
            (lambda p: np.searchsorted(np.cumsum(p), 0.5), "one too low"),
            (lambda p: (np.cumsum(p) < 0.5).sum(), "one too low"),
            (lambda p: 5, "Add up the probabilities"),
            (lambda p: np.median(p), "median of the five"),
            (lambda p: p.nonsense, "AttributeError"),
        ],
    ),
]  # fmt: skip
TestExercises = make_tests(CASES)


def test_the_truth_is_the_librarys():
    truth, said = (np.repeat(np.indices((3, 3))[axis].ravel(), COUNTS.ravel()) for axis in (0, 1))
    assert check.macro_f1(f1_score(truth, said, average="macro"), COUNTS)
    area = roc_auc_score([1] * len(UNHAPPY) + [0] * len(HAPPY), UNHAPPY + HAPPY)
    assert check.auroc(area, UNHAPPY, HAPPY)


@pytest.mark.parametrize("seed", range(20))
def test_any_median_of_any_distribution_is_accepted(seed):
    rows = np.random.default_rng(seed).dirichlet(np.full(5, 0.4), size=10)
    assert check.median_star(median, rows)
    assert check.median_star(least_expected_error, rows)
