#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The books of any database computed again from their rows, by a program that shares no code with the server: sums of
postings, identities, balances, bonus lines and their chains, digests of postings, cash, cheques, suspense, the export
(book_checks.py).

    books.py --database CONNINFO

The last line is `N passed, M failed`; exit 1 when M > 0.
"""
import argparse
import sys
from types import SimpleNamespace

import book_checks
from field_db import Database
from report import run_check


def compute_again(db):
    """How many checks hold, and how many do not."""
    books = SimpleNamespace(db=db)
    results = [run_check(name, function, books) for name, function in book_checks.CHECKS]
    return sum(results), len(results) - sum(results)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--database", required=True)
    passed, failed = compute_again(Database(parser.parse_args().database))
    print(f"{passed} passed, {failed} failed")
    return 0 if passed and not failed else 1


if __name__ == "__main__":
    sys.exit(main())
