#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""tagihd import, plan and import-targets on a real database: good files, broken rows, cut files. argv[1] is the binary."""
import csv
import os
import sys
import unittest

TOP = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
sys.path.insert(0, os.path.join(TOP, "tests/support"))
import spec  # noqa: E402
from office import OK, FAILED, USAGE, PARTLY, OfficeCase  # noqa: E402

OfficeCase.BINARY = sys.argv.pop(1)
DATA = os.environ.get("TAGIH_DATA")
AGENCY = "01900000-0000-7000-8000-000000000001"
HEAD = ("account_no,customer_no,product,currency,principal,interest,penalty,fees,dpd,oldest_due_on,plate,lat,lon,"
        "district,regency,phone")


def row(number, customer=None, **change):
    cells = dict(zip(HEAD.split(","), (
        f"A{number}", f"C{customer or number}", "motorcycle", "IDR", "3500000", "400000", "60000", "40000", "30",
        "2026-08-31", "AB 1234 CD", "-7.8", "110.36", "SLEMAN 01", "Sleman Regency", "+62812345")))
    return ",".join({**cells, **change}.values())


class ImportSpec(OfficeCase):
    def file(self, *lines, end="\n", name="file.csv", head=HEAD):
        return self.write(head, *lines, end=end, name=name)

    def load(self, path, *words, as_of="2026-09-30"):
        return self.run_it("import", "--as-of", as_of, *words, path)

    def ledger(self):
        return self.value("select coalesce(sum(amount_minor), 0) from ledger_line where agency_id = $A")

    #= RULES.md R-IMP-2
    #  An import file is identified by its SHA-256: the same file twice changes nothing
    def test_the_same_file_twice_changes_nothing(self):
        path = self.file(*(row(n) for n in range(1, 6)))
        code, out, _ = self.load(path)
        self.assertEqual((code, self.results(out)), (OK, {"NEW": 5}))
        tables = "account, account_state, snapshot, account_event, ledger_line, posting, import_row, change".split(", ")
        before = [self.value(f"select count(*) from {table} where agency_id = $A") for table in tables]
        code, out, _ = self.load(path)
        self.assertEqual((code, self.results(out)), (OK, {"SAME": 5}))
        self.assertEqual([self.value(f"select count(*) from {table} where agency_id = $A") for table in tables], before)

    #= RULES.md R-LED-1
    #  Double entry: every posting is a transaction whose lines sum to zero per currency
    #= RULES.md R-LIF-2
    #  A hold is of an **agency** and lasts 30 civil days
    def test_a_new_account_is_held_and_booked(self):
        self.load(self.file(row(1)))
        self.assertEqual(self.value("select status, hold_until_on - hold_from_on, no_schedule from account_state "
                                    "where agency_id = $A"), "3|30|t")
        self.assertEqual(self.value("select ledger_account, amount_minor from ledger_line where agency_id = $A "
                                    "order by 1"), "1|4000000\n2|6000000\n3|40000000\n4|350000000\n16|-400000000")
        self.assertEqual(self.value("select kind, status_after from account_event where agency_id = $A"), "HELD|3")

    #= RULES.md R-IMP-2
    #  Each row gets a result; a bad row never stops the good ones; control totals (rows, sum of balances) are checked and
    #  reported.
    def test_bad_rows_never_stop_good_ones(self):
        bad = {
            "money.currency_unknown": row(10, currency="XQZ"), "money.syntax": row(11, principal="1.234"),
            "money.negative": row(12, fees="-5"), "text.invalid": row(13, plate="A\x00B"),
            "import.columns": "A14,C14,car", "date.syntax": row(15, oldest_due_on="2026-02-30"),
            "geo.position_range": row(16, lat="95"), "account.due_missing": row(17, oldest_due_on=""),
            "import.line": row(18, district='"never closed'), "request.field_missing": row(19, account_no=""),
        }
        path = self.file(row(1), *bad.values(), row(2))
        code, out, _ = self.load(path)
        self.assertEqual(code, PARTLY)
        self.assertEqual(self.results(out), {"NEW": 2, **{reason: 1 for reason in bad}})
        self.assertIn("rows in the file                   12", out)
        self.assertIn("sum of good balances         8000000.00 IDR", out)
        with open(path + ".rejects.csv", newline="", encoding="utf-8", errors="replace") as rejects:
            rows = list(csv.DictReader(line.replace("\0", "?") for line in rejects))
        self.assertEqual([(int(r["line"]), r["reason"]) for r in rows], list(zip(range(3, 13), bad)))
        self.assertEqual(rows[0]["column"], "currency")
        self.assertEqual(self.load(path)[0], PARTLY)
        self.assertEqual(self.value("select count(*) from account where agency_id = $A"), "2")

    def test_a_file_cut_in_the_middle_gives_its_whole_rows(self):
        path = self.file(*(row(n) for n in range(1, 4)))
        with open(path, "r+b") as cut:
            cut.truncate(os.path.getsize(path) - 30)
        code, out, _ = self.load(path)
        self.assertEqual((code, self.results(out)), (PARTLY, {"NEW": 2, "import.cut": 1}))
        self.assertIn("rejected                            1", out)

    def test_a_cut_at_the_very_end_is_seen_too(self):
        path = self.file(row(1), row(2))
        with open(path, "r+b") as cut:
            cut.truncate(os.path.getsize(path) - 1)
        self.assertEqual(self.results(self.load(path)[1]), {"NEW": 1, "import.cut": 1})

    def test_bom_crlf_quotes_and_other_orders_of_columns_are_read(self):
        path = self.file(row(1, district='"KULON, PROGO"'), end="\r\n", head="\ufeff" + HEAD)
        self.assertEqual(self.load(path)[0], OK)
        self.assertEqual(self.value("select district from account_state where agency_id = $A"), "KULON, PROGO")
        names = HEAD.split(",")[::-1]
        turned = ",".join(row(2).split(",")[::-1])
        self.assertEqual(self.load(self.file(turned, head=",".join(names), name="turned.csv"))[0], OK)

    #= RULES.md R-IMP-2
    #  The same `account_no` with another customer is a key clash: refused, reported.
    def test_another_customer_is_a_key_clash(self):
        self.load(self.file(row(1)))
        code, out, _ = self.load(self.file(row(1, customer=9), row(2), name="b.csv"))
        self.assertEqual((code, self.results(out)), (PARTLY, {"account.key_clash": 1, "NEW": 1}))
        self.assertEqual(self.value("select c.customer_no from account a join customer c using (agency_id, customer_id) "
                                    "where a.agency_id = $A and account_no = 'A1'"), "C1")

    def test_one_account_twice_in_a_file_counts_once(self):
        self.assertEqual(self.results(self.load(self.file(row(1), row(1, principal="9")))[1]), {"NEW": 1, "import.row_twice": 1})

    def test_another_currency_or_an_older_day_is_refused(self):
        self.load(self.file(row(1)))
        self.assertEqual(self.results(self.load(self.file(row(1, currency="USD"), name="b.csv"))[1]), {"account.currency": 1})
        self.assertEqual(self.results(self.load(self.file(row(1, fees="1"), name="c.csv"), as_of="2026-09-29")[1]),
                         {"import.older": 1})

    def pay(self, value_on, amount_minor):
        """A posted payment of the account, as the server would have written it."""
        self.value("insert into payment select $A, gen_random_uuid(), account_id, 2, gen_random_uuid()::text, 0, 4, "
                   f"{amount_minor}, 'IDR', extract(epoch from date '{value_on}')::bigint * 1000000 + 36000000000, "
                   f"'{value_on}', '{value_on}', 1 from account where agency_id = $A")
        self.value(f"update account_state set last_value_on = '{value_on}' where agency_id = $A")

    #= RULES.md R-IMP-3
    #  Without the sequence, payments valued up to the as-of date count as contained and the account is flagged ASSUMED. The
    #  difference to our own figure is one row of a reconciliation report and one ledger transaction against creditor control.
    def test_a_snapshot_replaces_what_is_open_and_the_difference_is_booked(self):
        self.load(self.file(row(1)))
        self.pay("2026-10-05", 100000000)
        code, out, _ = self.load(self.file(row(1, principal="2600000"), name="b.csv"), as_of="2026-10-10")
        self.assertEqual((code, sum(self.results(out).values())), (OK, 1))
        self.assertEqual(self.value("select principal_minor, assumed, version from account_state where agency_id = $A"),
                         "260000000|t|2")
        self.assertEqual(self.ledger(), "0")
        for label, figure in (("accounts that differ", "       1"), ("payments of ours contained", "       1"),
                              ("their sum", "1000000.00 IDR"), ("ours before", "4000000.00 IDR"),
                              ("theirs since", "3100000.00 IDR"), ("less by", "900000.00 IDR")):
            self.assertIn(f"{label:<28} {figure}\n", out)
        self.assertEqual(self.value("select sum(amount_minor) from ledger_line where agency_id = $A and ledger_account = 4"),
                         "260000000")

    #= RULES.md R-IMP-3
    #  Our payments with a sequence up to that are absorbed, all others replay on top.
    def test_payments_after_the_snapshot_replay_on_top(self):
        self.load(self.file(row(1)))
        self.pay("2026-10-15", 60000000)
        self.load(self.file(row(1, principal="3000000"), name="b.csv"), as_of="2026-10-10")
        self.assertEqual(self.value("select fees_minor, penalty_minor, interest_minor, principal_minor, assumed, "
                                    "debt_allocated_minor from account_state where agency_id = $A"), "0|0|0|290000000|f|60000000")
        self.assertEqual(self.value("select version, instalment_no, fees_minor, penalty_minor, interest_minor, principal_minor "
                                    "from allocation where agency_id = $A"), "1|1|4000000|6000000|40000000|10000000")
        self.assertEqual(self.value("select state, principal_minor from instalment_state where agency_id = $A"), "1|290000000")
        self.assertEqual(self.ledger(), "0")

    #= RULES.md R-IMP-1
    #  live accounts missing in a FULL file are listed as recall candidates, recalled by a person.
    def test_a_full_file_lists_who_is_missing(self):
        self.load(self.file(row(1), row(2), row(3)))
        code, out, _ = self.load(self.file(row(2, fees="1"), name="b.csv"), "--full", as_of="2026-10-01")
        self.assertEqual(code, OK)
        self.assertIn("live accounts that this file does not have: 2\n  A1\n  A3\n", out)
        self.assertEqual(self.value("select count(*) from account_state where agency_id = $A and status = 3"), "3")

    #= RULES.md R-ACC-3
    #  a `dpd` column is compared with it at the file's as-of date and a difference is a row warning.
    def test_another_count_of_days_is_a_warning(self):
        code, out, _ = self.load(self.file(row(1, dpd="29")))
        self.assertEqual(code, OK)
        self.assertIn("good with a warning                 1", out)

    def test_wrong_usage_is_told_before_anything_is_tried(self):
        path = self.file(row(1))
        self.assertEqual(self.run_it("import", path)[0], USAGE)
        self.assertEqual(self.load(path, "--full", "--delta")[0], USAGE)
        self.assertEqual(self.load(path, as_of="yesterday")[0], USAGE)
        self.assertEqual(self.load(os.path.join(self.folder, "none.csv"))[0], FAILED)
        code, _, err = self.load(self.file("x", head="a,b", name="b.csv"))
        self.assertEqual(code, FAILED)
        self.assertIn("column account_no is missing", err)

    def staff(self, *people):
        for login, roles in people:
            self.value("with s as (insert into staff values ($A, gen_random_uuid(), "
                       f"'{self.agency}-{login}', '{login}', 1) returning user_id) "
                       f"insert into staff_state (agency_id, user_id, roles) select $A, user_id, {roles} from s")

    #= RULES.md R-VIS-3
    #  One live lease per (account, purpose).
    def test_plan_deals_out_the_day_and_fills_up_what_is_missing(self):
        self.staff(("a", 1), ("b", 1), ("boss", 4))
        self.load(self.file(*(row(n) for n in range(1, 12))), "--shift-to", "today")
        plan = ("plan", "--day", "today", "--consent", "--per-collector")
        self.assertEqual(self.run_it(*plan, "3")[0], OK)
        self.assertEqual(self.value("select count(*), count(distinct account_id) from visit_state where agency_id = $A"), "6|6")
        self.assertEqual(self.value("select count(*) from account_event where agency_id = $A and kind = 'REASSIGNED'"), "6")
        self.assertEqual(self.run_it(*plan, "3")[0], OK)
        self.assertEqual(self.value("select count(*) from visit where agency_id = $A"), "6")
        self.run_it(*plan, "4", "--collectors", f"{self.agency}-a")
        self.assertEqual(self.value("select min(n), max(n) from (select count(*) n from visit_state where agency_id = $A "
                                    "group by collector_id) q"), "3|4")

    #= RULES.md R-VIS-1
    #  PLANNED or EN_ROUTE → CANCELLED (supervisor) or EXPIRED (lease over, nothing reported).
    def test_plan_expire_ends_leases_that_are_over(self):
        self.staff(("a", 1))
        self.load(self.file(row(1), row(2)), "--shift-to", "today")
        self.run_it("plan", "--day", "today", "--consent")
        self.value("update visit_state set lease_until_us = 1 where agency_id = $A")
        self.assertEqual(self.run_it("plan", "--expire")[1], "leases ended: 2\n")
        self.assertEqual(self.value("select distinct state, live, version from visit_state where agency_id = $A"), "5|f|2")
        self.assertEqual(self.run_it("plan", "--expire")[1], "leases ended: 0\n")

    #= RULES.md R-BON-2b
    #  Targets are (collector, month, amount), approved and versioned.
    def test_targets_are_versioned_and_need_two_people(self):
        self.staff(("a", 1), ("m", 4), ("c", 4))
        login, people = f"{self.agency}-a", ("--made-by", f"{self.agency}-m", "--approved-by", f"{self.agency}-c")
        path = self.file(f"{login},2026-11,50000000", head="login,month,amount")
        for versions in ("1", "0"):
            self.assertEqual(self.run_it("import-targets", *people, path)[1], f"targets 1, new versions {versions}\n")
        path = self.file(f"{login},2026-11,60000000", head="login,month,amount")
        self.assertEqual(self.run_it("import-targets", *people, path)[0], OK)
        self.assertEqual(self.value("select version, amount_minor from bonus_target where agency_id = $A order by 1"),
                         "1|5000000000\n2|6000000000")
        self.assertEqual(self.run_it("import-targets", "--made-by", "x", "--approved-by", "x", path)[0], USAGE)
        broken = self.file(f"{login},2026-12,1", "nobody,2026-12,1", head="login,month,amount")
        self.assertEqual(self.run_it("import-targets", *people, broken)[0], FAILED)
        self.assertEqual(self.value("select count(*) from bonus_target where agency_id = $A"), "2")

    @unittest.skipUnless(DATA, "TAGIH_DATA is not set: the outside portfolio is not here")
    def test_the_real_portfolio_goes_in_whole(self):
        path = os.path.join(self.folder, "portfolio.csv")
        with open(os.path.join(DATA, "portfolio.csv"), "rb") as source, open(path, "wb") as out:
            out.write(source.read())
        code, out, _ = self.load(path, "--shift-to", "today", as_of="2005-09-30")
        self.assertEqual((code, self.results(out)), (OK, {"NEW": 5129}))
        self.assertIn("good with a warning                 0", out)
        with open(path, encoding="utf-8", newline="") as rows:
            total = sum(int(r[k]) for r in csv.DictReader(rows) for k in ("principal", "interest", "penalty", "fees"))
        self.assertEqual(self.value("select sum(fees_minor + penalty_minor + interest_minor + principal_minor) "
                                    "from account_state where agency_id = $A"), str(total * 100))
        self.assertEqual(self.value("select sum(amount_minor) from ledger_line where agency_id = $A and ledger_account = 16"),
                         str(-total * 100))
        self.assertEqual(self.ledger(), "0")


if __name__ == "__main__":
    spec.main()
