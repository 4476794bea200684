#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""tagihd kpi as an operator runs it: the snapshot, its bytes, two beside each other, rows changed by hand. argv[1] is the
binary."""
import csv
import hashlib
import io
import os
import sys

TOP = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
sys.path.insert(0, os.path.join(TOP, "tests/support"))
import spec  # noqa: E402
from office import OK, FAILED, USAGE, OfficeCase, psql  # noqa: E402

OfficeCase.BINARY = sys.argv.pop(1)


class KpiSpec(OfficeCase):
    def setUp(self):
        super().setUp()
        self.place(3)

    def place(self, count):
        """Accounts of 1 000.00 each, held since before February 2026 and 40 days past due when it begins."""
        psql(self.owner, f"""
            with a as (
                insert into account (agency_id, account_id, account_no, customer_id, product, currency, created_us)
                select '{self.agency}', gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), 'car', 'IDR', 1
                from generate_series(1, {count}) returning account_id),
            s as (
                insert into snapshot (agency_id, account_id, as_of_on, file_hash, row_no, load_type, load_reason, fees_minor,
                    penalty_minor, interest_minor, principal_minor, received_us)
                select '{self.agency}', account_id, '2026-01-10', '', 1, 1, '', 0, 0, 0, 100000, 1 from a),
            i as (
                insert into instalment (agency_id, account_id, as_of_on, received_us, instalment_no, due_on, fees_minor,
                    penalty_minor, interest_minor, principal_minor)
                select '{self.agency}', account_id, '2026-01-10', 1, 1, date '2026-02-01' - 40, 0, 0, 0, 100000 from a)
            insert into account_event (agency_id, event_id, account_id, at_us, kind, status_after)
            select '{self.agency}', gen_random_uuid(), account_id,
                   (extract(epoch from timestamptz '2026-01-10') * 1000000)::bigint, 'HELD', 3 from a""")

    def kpi(self, *words):
        return self.run_it("kpi", *words)

    def digest(self, out):
        return out.split("digest ")[1].split()[0]

    #= RULES.md R-KPI-1
    #  Immutable; a re-run gives identical bytes
    #= RULES.md R-KPI-1a
    #  The digest is SHA-256 of the month's canonical text
    def test_the_digest_is_that_of_the_csv_and_stays(self):
        code, out, _ = self.kpi("generate-monthly", "--month", "2026-02")
        self.assertEqual((code, out.splitlines()[0]), (OK, "2026-02 version 1: 1 rows, written"))
        code, text, _ = self.kpi("show", "--month", "2026-02", "--format", "csv")
        self.assertEqual((code, hashlib.sha256(text.encode()).hexdigest()), (OK, self.digest(out)))
        row = list(csv.DictReader(io.StringIO(text)))[0]
        self.assertEqual((row["load_type"], row["bucket"], row["assigned_accounts"], row["assigned_minor"], row["recovery_bp"],
                          row["contact_bp"]), ("CONTINUATION", "B2", "3", "300000", "0", ""))
        code, again, _ = self.kpi("generate-monthly", "--month", "2026-02")
        self.assertEqual((code, again.splitlines()[0]), (OK, "2026-02 version 1: 1 rows, nothing has changed"))
        self.assertEqual(self.digest(again), self.digest(out))
        self.assertEqual(self.kpi("show", "--month", "2026-02", "--format", "csv")[1], text)

    def test_a_dry_run_says_the_same_and_writes_nothing(self):
        code, dry, _ = self.kpi("generate-monthly", "--month", "2026-02", "--dry-run")
        self.assertEqual((code, dry.splitlines()[0]), (OK, "2026-02 version 1: 1 rows, not written"))
        self.assertEqual(psql(self.owner, f"select count(*) from kpi_row where agency_id = '{self.agency}'"), "0")
        self.assertEqual(self.kpi("show", "--month", "2026-02")[0], FAILED)
        self.assertEqual(self.digest(self.kpi("generate-monthly", "--month", "2026-02")[1]), self.digest(dry))

    #= RULES.md R-KPI-1
    #  any two snapshots diff by key
    def test_two_snapshots_diff_by_key(self):
        self.kpi("generate-monthly", "--month", "2026-02")
        self.kpi("generate-monthly", "--month", "2026-03")
        code, out, _ = self.kpi("diff", "2026-02", "2026-03", "--format", "csv")
        rows = list(csv.DictReader(io.StringIO(out)))
        moved = {(row["bucket"], row["figure"]): row["difference"] for row in rows}
        self.assertEqual((code, moved[("B2", "assigned_accounts")], moved[("B3", "assigned_accounts")]), (OK, "-3", "3"))
        self.place(1)
        self.kpi("generate-monthly", "--month", "2026-02")
        code, out, _ = self.kpi("diff", "2026-02@1", "2026-02@2")
        self.assertIn("assigned_accounts", out)
        self.assertTrue(out.endswith("1 keys differ\n"), out)
        self.assertEqual(self.kpi("diff", "2026-02@2", "2026-02")[1], "0 keys differ\n")
        table = self.kpi("show", "--month", "2026-02")[1]
        self.assertRegex(table, "adjusted in version 2: [1-4] × account_event")  # those of the minute before may be among them

    def test_rows_changed_by_hand_are_noticed(self):
        self.kpi("generate-monthly", "--month", "2026-02")
        psql(self.owner, "alter table kpi_row disable trigger fact; update kpi_row set assigned_minor = assigned_minor + 1 "
                         f"where agency_id = '{self.agency}'; alter table kpi_row enable trigger fact")
        code, _, err = self.kpi("show", "--month", "2026-02")
        self.assertEqual(code, FAILED)
        self.assertIn("they were changed", err)
        # verify reads the seal, which stands under the posting's digest
        seals = (f"select count(*) from kpi_snapshot k where agency_id = '{self.agency}' and seal <> "
                 "kpi_seal(agency_id, month_on, version)")
        self.assertEqual(psql(self.owner, seals), "1")
        psql(self.owner, "alter table kpi_row disable trigger fact; update kpi_row set assigned_minor = assigned_minor - 1 "
                         f"where agency_id = '{self.agency}'; alter table kpi_row enable trigger fact")
        self.assertEqual(psql(self.owner, seals), "0")

    def test_what_cannot_be_asked_is_a_wrong_usage(self):
        for words in ((), ("generate-monthly",), ("generate-monthly", "--month", "2026-13"), ("show", "--month", "2026-02@0"),
                      ("generate-monthly", "--month", "2026-02@1"), ("generate-monthly", "--month", "2999-01"), ("diff", "2026-02"),
                      ("show", "--month", "2026-02", "--format", "xml")):
            self.assertEqual(self.kpi(*words)[0], USAGE, words)
        self.assertEqual(self.kpi("diff", "2026-02", "2026-03")[0], FAILED)


if __name__ == "__main__":
    spec.main()
