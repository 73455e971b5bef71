"""Exercises that check themselves: `core` says how; `lesson_00` and the others hold one lesson's checks each.

In a notebook: `from helpers.exercises import lesson_01 as check`, then `check.magnitude(answer)`.
"""
