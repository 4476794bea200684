#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""After a field day: the supervisor's tables, then what must hold between phones and database, with its figures.

    report.py --database CONNINFO --day FOLDER [--title TEXT] [--count FILE]

FOLDER holds what fieldday wrote (phones.tsv, entries.tsv). The last line is `N passed, M failed`, or N and M go into FILE
for whoever goes on counting; exit 1 when M > 0.
"""
import argparse
import sys
from pathlib import Path

import field_checks
import field_tables
from field_db import Database, read_tsv
from field_tables import WIDTH, verdict


def run_check(name, function, day):
    """A check that cannot be asked has failed too."""
    try:
        holds, figures = function(day)
    except (RuntimeError, KeyError, ValueError, IndexError, TypeError) as error:
        holds, figures = False, f"{type(error).__name__}: {str(error).splitlines()[0]}"
    verdict(holds, name, figures)
    return holds


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--database", required=True)
    parser.add_argument("--day", required=True, type=Path)
    parser.add_argument("--title", default="FIELD DAY")
    parser.add_argument("--count", type=Path)
    options = parser.parse_args()
    db = Database(options.database)
    phones, entries = read_tsv(options.day / "phones.tsv"), read_tsv(options.day / "entries.tsv")
    print(f"\n{options.title}\n{'═' * WIDTH}\n")
    print(field_tables.everything(db, phones, entries))
    print(f"\nCHECKS\n{'─' * WIDTH}")
    day = field_checks.Day(db, phones, entries)
    results = [run_check(name, function, day) for name, function in field_checks.CHECKS]
    if options.count:
        options.count.write_text(f"{sum(results)} {len(results) - sum(results)}", encoding="ascii")
    else:
        print(f"{sum(results)} passed, {len(results) - sum(results)} failed")
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
