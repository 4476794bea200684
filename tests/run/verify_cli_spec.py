#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""tagihd verify as an operator runs it: what it says of books that are right and of books that were changed by hand, to
people and to programs, and how it refuses. argv[1] is the binary."""
import json
import os
import pty
import re
import subprocess
import sys

TOP = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
sys.path.insert(0, os.path.join(TOP, "tests/support"))
import spec  # noqa: E402
from office import FAILED, OK, USAGE, OfficeCase, psql  # noqa: E402

OfficeCase.BINARY = sys.argv.pop(1)
CLEAN = {name: value for name, value in os.environ.items() if not name.startswith("TAGIH_")}
HEAD = ("account_no,customer_no,product,currency,principal,interest,penalty,fees,dpd,oldest_due_on,plate,lat,lon,"
        "district,regency,phone")


class VerifySpec(OfficeCase):
    def setUp(self):
        super().setUp()
        self.keys = os.path.join(self.folder, "keys")
        for purpose in ("token", "device", "ack", "document"):
            subprocess.run([self.BINARY, "key", "new", purpose, "--keys-dir", self.keys], env=CLEAN, check=True, capture_output=True)
        self.reader = f"{self.owner} user=tagih_read"

    def import_accounts(self, count=3):
        rows = [f"A{n},C{n},motorcycle,IDR,3500000,400000,60000,40000,30,2026-08-31,AB 1 CD,-7.8,110.36,SLEMAN 01,Sleman,+62812"
                for n in range(count)]
        code, _, err = self.run_it("import", "--as-of", "2026-09-30", self.write(HEAD, *rows))
        self.assertEqual(code, OK, err)

    def verify(self, *words, url=None, agency=True):
        of = ["--agency", self.agency] if agency else []
        done = subprocess.run([self.BINARY, "verify", *of, "--database-url", url or self.reader, "--keys-dir", self.keys, *words],
                              env=CLEAN, capture_output=True, text=True, timeout=120)
        return done.returncode, done.stdout, done.stderr

    def by_hand(self, table, change):
        """As somebody who owns the database: past triggers, for this one statement."""
        psql(self.owner, f"set session_replication_role = replica; update {table} set {change} where agency_id = '{self.agency}'")

    def test_it_explains_itself(self):
        done = subprocess.run([self.BINARY, "verify", "--help"], env=CLEAN, capture_output=True, text=True, timeout=60)
        self.assertEqual((done.returncode, done.stderr), (OK, ""))
        self.assertTrue(done.stdout.startswith("usage: tagihd verify"), done.stdout)
        for flag in ("--agency NAME", "--since DATE", "--json", "Exit code 0: no difference"):
            self.assertIn(flag, done.stdout)

    #= RULES.md R-LED-2
    #  Identities, checked by demo, `verify` and tests, per currency
    def test_books_that_are_right_are_told_in_one_line_behind_their_sums(self):
        self.import_accounts()
        code, out, err = self.verify()
        self.assertEqual((code, err), (OK, ""))
        self.assertRegex(out.splitlines()[-1], r"^\S.*: 0 entries, 0 differences, [0-9.]+ s$")

    def test_an_agency_without_a_row_is_right(self):
        code, out, _ = self.verify()
        self.assertEqual((code, len(out.splitlines())), (OK, 1))

    #= RULES.md R-LED-1a
    #  `verify` finds a value that was changed
    def test_a_difference_is_named_with_its_place_and_both_values(self):
        self.import_accounts()
        account = self.value("select account_id from account where agency_id = $A and account_no = 'A1'")
        self.by_hand("account_state", f"principal_minor = principal_minor + (account_id = '{account}')::int")
        code, out, _ = self.verify()
        self.assertEqual(code, FAILED)
        self.assertIn(f"account_state [{account}] principal_minor\n    stored:    350000001\n    should be: 350000000\n", out)
        self.assertRegex(out.splitlines()[-1], r": 0 entries, [1-9][0-9]* differences?, ")

    def test_programs_read_one_object_a_difference_and_one_at_the_end(self):
        self.import_accounts()
        posting = self.value("select posting_id from ledger_line where agency_id = $A order by posting_id limit 1")
        self.by_hand("ledger_line", f"amount_minor = amount_minor + case when posting_id = '{posting}' and line_no = 1 then 7 else 0 end")
        code, out, err = self.verify("--json")
        told = [json.loads(line) for line in out.splitlines()]
        self.assertEqual((code, err), (FAILED, ""))
        differences = [one for one in told if "table" in one]
        self.assertEqual(told[-1], {"agency": self.id(), "entries": 0, "differences": len(differences)})
        self.assertEqual({tuple(one) for one in differences}, {("agency", "table", "key", "column", "stored", "expected")})
        self.assertIn({"agency": self.id(), "table": "ledger_line", "key": f"{posting} IDR", "column": "amount_minor",
                       "stored": "7", "expected": "0"}, differences)
        self.assertTrue(any(one["table"] == "posting" and "ledger_line" in one["column"] for one in differences), differences)

    def test_without_an_agency_it_reads_all_and_one_difference_anywhere_decides(self):
        self.import_accounts(1)
        code, out, _ = self.verify(agency=False)
        count = int(psql(self.owner, "select count(*) from agency"))
        ends = [line for line in out.splitlines() if re.search(r" entries, [0-9]+ differences?, ", line)]
        self.assertEqual(len(ends), count)
        mine = [line for line in ends if line.startswith(self.id() + ":")]
        self.assertIn(" 0 differences", mine[0])
        self.by_hand("account_state", "credit_minor = 5")
        self.assertEqual(self.verify(agency=False)[0], FAILED)

    def test_a_date_leaves_out_what_was_posted_before_it_and_no_projection(self):
        self.import_accounts(1)
        self.by_hand("posting", "digest = sha256(digest)")
        self.assertEqual(self.verify()[0], FAILED)
        later = "2099-01-01"
        code, out, _ = self.verify("--since", later)
        self.assertNotIn("digest", out)
        self.by_hand("account_state", "credit_minor = 5")
        self.assertIn("credit_minor", self.verify("--since", later)[1])
        self.assertEqual(self.verify("--since", "yesterday")[0::2], (USAGE, "tagihd: --since needs a date, YYYY-MM-DD\n"))

    def test_it_reads_as_the_serving_role_too_and_writes_nothing(self):
        self.import_accounts(1)
        newest = "select max(xmin::text::bigint), count(*) from {}"
        before = [psql(self.owner, newest.format(table)) for table in ("posting", "ledger_line", "account_state", "change", "seal")]
        self.assertEqual(self.verify(url=self.app)[0], OK)
        self.assertEqual(before, [psql(self.owner, newest.format(table))
                                  for table in ("posting", "ledger_line", "account_state", "change", "seal")])

    def test_an_agency_that_is_not_there_is_named(self):
        unknown = "01900000-0000-7000-8000-0000000000ff"
        for name, said in ((unknown, f"there is no agency '{unknown}'"), ("Nobody", "no one agency has the name 'Nobody'")):
            code, out, err = self.verify("--agency", name, agency=False)
            self.assertEqual((code, out, err), (FAILED, "", f"tagihd: {said}\n"))

    def test_a_database_that_is_down_is_a_failure_and_no_verdict(self):
        code, out, err = self.verify(url="host=127.0.0.1 port=1 dbname=gone user=tagih_read connect_timeout=2")
        self.assertEqual((code, out), (FAILED, ""))
        self.assertNotEqual(err, "")
        self.assertNotIn("differences", err)

    def test_without_a_database_or_with_a_word_too_many_it_is_a_wrong_usage(self):
        done = subprocess.run([self.BINARY, "verify"], env=CLEAN, capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, USAGE)
        self.assertIn("--database-url (TAGIH_DATABASE_URL) is missing", done.stderr)
        self.assertEqual(self.verify("everything")[0::2], (USAGE, "tagihd: verify takes no words\n"))

    def test_somebody_who_watches_sees_how_far_it_is(self):
        self.import_accounts()
        try:
            ours, theirs = pty.openpty()
        except OSError as none:
            self.skipTest(f"no terminal can be made here: {none}")
        done = subprocess.run([self.BINARY, "verify", "--agency", self.agency, "--database-url", self.reader, "--keys-dir", self.keys],
                              env=CLEAN, stdout=subprocess.PIPE, stderr=theirs, text=True, timeout=120)
        os.close(theirs)
        shown = os.read(ours, 65536).decode()
        os.close(ours)
        self.assertEqual(done.returncode, OK)
        self.assertRegex(shown, r"\r" + re.escape(self.id()) + r": [0-9]+ [a-z ]+")


if __name__ == "__main__":
    spec.main()
