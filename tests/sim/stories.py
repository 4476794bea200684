# SPDX-License-Identifier: Apache-2.0
"""The office after the field day: what else happens to money, each step told with its figures. A story answers (holds,
figures), as a check does, or None when nothing of its kind happened that day; in brackets stand the rules it shows."""

from field_tables import verdict

PARTS = {"day": [], "bank": [], "weeks": [], "close": [], "after": []}


def story(part, name):
    def add(function):
        PARTS[part].append((name, function))
        return function
    return add


class Refused(Exception):
    """A call was refused: its message is the stable token."""


def run(part, desk):
    """Tell a part's stories; how many held, and how many did not."""
    passed = failed = 0
    for name, function in PARTS[part]:
        try:
            told = function(desk)
        except (Refused, RuntimeError, KeyError, IndexError, ValueError, TypeError, StopIteration) as error:
            told = False, f"{type(error).__name__}: {(str(error).splitlines() or [''])[0]}"
        if told and not told[0]:
            desk.must_be_whole()
        if told is None:
            verdict(None, name, "nothing of this kind happened on this day")
            continue
        holds, figures = told
        verdict(holds, name, figures)
        passed, failed = passed + bool(holds), failed + (not holds)
    return passed, failed
