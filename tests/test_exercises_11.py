import math

import numpy as np
from exercise_cases import Case, make_tests

from helpers.exercises import lesson_11 as check
from helpers.sampling import mean_logprob

LOGPROBS = [-0.5, -3.0, -1.2, -0.1, -2.2]
P, WANTED = 0.3, 0.95


def chance(chances, k):
    return (1 - (1 - np.array(chances)) ** k).mean()


def by_loop(chances, k):
    total = 0.0
    for p in chances:
        total += 1 - (1 - p) ** k
    return total / len(chances)


def stopped_first(samples):
    return sorted(samples, key=lambda s: (not s.stopped, -mean_logprob(s)))[0]


def in_two_steps(samples):
    candidates = [s for s in samples if s.stopped] or samples
    return max(candidates, key=mean_logprob)


CASES = [
    Case(
        "perplexity",
        lambda answer: check.perplexity(answer, LOGPROBS),
        solutions=[math.exp(1.4), 4.06, np.exp(-np.mean(LOGPROBS)), 4.055],
        wrong=[
            (-1.4, "to the power of minus it is asked"),
            (1.4, "minus the mean"),
            (math.exp(-1.4), "mind the minus"),
            (math.exp(7.0), "Divide by the number"),
            (-7.0, "not yet per token"),
            (2**1.4, "take e, not 2"),
            (np.exp(-np.array(LOGPROBS)).mean(), "mean of 1 / probability"),
            (1 / np.exp(LOGPROBS).mean(), "1 divided by the mean probability"),
            (4.1, "two decimals"),
            (3.32, "Which of the steps"),
        ],
        secret="4.06",
    ),
    Case(
        "samples_needed",
        lambda answer: check.samples_needed(answer, P, WANTED),
        solutions=[9, 9.0, math.ceil(math.log(0.05) / math.log(0.7))],
        wrong=[
            (8, "Round up"),
            (10, "one less would be enough"),
            (4, "adds the chances up"),
            (3, "exchanged"),
            (1, "ALL of them"),
            (50, "none of k samples"),
            (8.4, "whole number"),
        ],
        secret="9",
    ),
    Case(
        "average_chance",
        check.average_chance,
        solutions=[chance, by_loop, lambda ps, k: round(chance(ps, k), 2)],
        wrong=[
            (lambda ps, k: 1 - (1 - np.mean(ps)) ** k, "Each prompt keeps its own"),
            (lambda ps, k: 1 - np.prod((1 - ps) ** k), "at least one PROMPT"),
            (lambda ps, k: ((1 - ps) ** k).mean(), "Take it from 1"),
            (lambda ps, k: (ps**k).mean(), "all k join"),
            (lambda ps, k: (k * ps).mean(), "adds the chances"),
            (lambda ps, k: (1 - (1 - ps) ** k).sum(), "Divide by how many"),
            (lambda ps, k: ps.mean(), "What do k of them do"),
            (lambda ps, k: 1 - (1 - ps) ** k, "one number"),
            (lambda ps, k: 0.25, "gives 0.250"),
            (lambda ps, k: (ps > 0).mean(), "What does one prompt"),
            (lambda ps: 0.5, "stopped with TypeError"),
            (0.75, "A function is wanted"),
        ],
    ),
    Case(
        "pick",
        check.pick,
        solutions=[stopped_first, in_two_steps],
        wrong=[
            (lambda samples: max(samples, key=mean_logprob), "Stopped first"),
            (
                lambda samples: max(samples, key=lambda s: (s.stopped, sum(s.logprobs))),
                "the MEAN log-probability",
            ),
            (lambda samples: min(samples, key=lambda s: (not s.stopped, mean_logprob(s))), "less likely per"),
            (
                lambda samples: sorted(samples, key=lambda s: (s.stopped, mean_logprob(s)))[-1],
                "the earlier one",
            ),
            (lambda samples: samples[-1].text, "not its text"),
            (lambda samples: samples, "one of the samples, not a list"),
            (lambda samples: max(samples, key=lambda s: (s.stopped, len(s.text))), "less likely per"),
            (
                lambda samples: max(samples, key=lambda s: (s.finish_reason == "stop", mean_logprob(s))),
                "ask it for `.stopped`",
            ),
            (
                lambda samples: max((s for s in samples if s.stopped), key=mean_logprob, default=None),
                "found none to choose from",
            ),
            (lambda samples: next(s for s in samples if s.stopped), "found none to choose from"),
            (lambda samples: samples[9], "stopped with IndexError"),
            (lambda samples: None, "gives nothing back"),
        ],
    ),
    Case(
        "samples_drawn",
        lambda answer: check.samples_drawn(answer, P, 5),
        solutions=[(1 - 0.7**5) / 0.3, 2.77, sum(0.7**i for i in range(5))],
        wrong=[
            (1 / 0.3, "without a limit"),
            (5, "at once"),
            (1 - 0.7**5, "How many are drawn"),
            (1.5, "were all drawn"),
            (sum(i * 0.3 * 0.7 ** (i - 1) for i in range(1, 6)), "all are drawn then."),
            (sum(i * 0.3 * 0.7 ** (i - 1) for i in range(1, 6)) / (1 - 0.7**5), "all are drawn then, too"),
            (1.7731, "What about the one before"),
            (2.8, "two decimals"),
            (sum(0.7**i for i in range(6)), "one more than allowed"),
            (4.2, "What does each add"),
        ],
        secret="2.77",
    ),
]

TestExercises = make_tests(CASES)
