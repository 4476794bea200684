# SPDX-License-Identifier: Apache-2.0
"""Runs a unittest file and says its sums in the words of the C programs, so that one counter reads both."""
import sys
import unittest


def main():
    result = unittest.main(module="__main__", exit=False, verbosity=2).result
    bad = len(result.failures) + len(result.errors)
    print(f"[  PASSED  ] {result.testsRun - bad - len(result.skipped)} test(s).", file=sys.stderr)
    if result.skipped:
        print(f"[  SKIPPED ] tests: {len(result.skipped)} test(s), listed below:", file=sys.stderr)
        for test, why in result.skipped:
            print(f"skipped: {test.id()}: {why}", file=sys.stderr)
    if bad:
        print(f"[  FAILED  ] tests: {bad} test(s), listed below:", file=sys.stderr)
    sys.exit(bad != 0)
