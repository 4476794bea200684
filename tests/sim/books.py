#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The books of any database computed again from their rows, by a program that shares no code with the server: sums of
postings, identities, balances, bonus lines and their chains, digests of postings (R-LED-1..2, R-BON-4).

    books.py --database CONNINFO

The last line is `N passed, M failed`; exit 1 when M > 0.
"""
import argparse
import sys
from types import SimpleNamespace

import field_checks as checks
from field_db import Database
from report import run_check

BOOKS = (checks.identity_of_receipts, checks.identity_of_payments, checks.identity_of_receivables, checks.postings_balance,
         checks.collector_balances, checks.account_balances, checks.bonus_again, checks.digests_again)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--database", required=True)
    books = SimpleNamespace(db=Database(parser.parse_args().database))
    results = [run_check(name, function, books) for name, function in checks.CHECKS if function in BOOKS]
    print(f"{sum(results)} passed, {len(results) - sum(results)} failed")
    return 0 if all(results) and len(results) == len(BOOKS) else 1


if __name__ == "__main__":
    sys.exit(main())
