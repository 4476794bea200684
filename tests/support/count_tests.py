#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Count tests from meson's record: the last line is `N passed, M failed` (`, K skipped` when there are any).

A cmocka program counts as the tests in it; any other program counts as one. A program that died, timed out or
failed without naming a test counts as one failure, whatever it had printed before. Exits 1 unless something ran and
nothing failed.
"""
import json
import re
import sys

PASSED = re.compile(r"^\[  PASSED  \] (\d+) test\(s\)", re.M)
FAILED = re.compile(r"^\[  FAILED  \] .*?(\d+) test\(s\), listed below", re.M)
SKIPPED = re.compile(r"^\[  SKIPPED \] .*?(\d+) test\(s\), listed below", re.M)
WHY_SKIPPED = re.compile(r"^.*\bskipped: .*$", re.M)


def total(pattern, text):
    return sum(int(n) for n in pattern.findall(text))


def count(record):
    """One meson test as (passed, failed, skipped)."""
    text = (record.get("stdout") or "") + "\n" + (record.get("stderr") or "")
    result = record["result"]
    if not PASSED.search(text):
        return {"OK": (1, 0, 0), "SKIP": (0, 0, 1)}.get(result, (0, 1, 0))
    passed, failed, skipped = (total(p, text) for p in (PASSED, FAILED, SKIPPED))
    if result not in ("OK", "SKIP") and failed == 0:
        failed = 1
    return passed, failed, skipped


def main(path):
    try:
        with open(path, encoding="utf-8") as log:
            records = [json.loads(line) for line in log]
    except OSError as err:
        print(f"no record of a test run: {err}")
        records = []
    sums = [0, 0, 0]
    for record in records:
        counts = count(record)
        sums = [a + b for a, b in zip(sums, counts)]
        if counts[1]:
            print(f"failed: {record['name']} ({record['result']})")
        text = (record.get("stdout") or "") + "\n" + (record.get("stderr") or "")
        for line in WHY_SKIPPED.findall(text):
            print(f"{record['name']}: {line.strip()}")
    passed, failed, skipped = sums
    print(f"{passed} passed, {failed} failed" + (f", {skipped} skipped" if skipped else ""))
    return 0 if passed and not failed else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
