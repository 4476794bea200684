#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""tagihd import-statement on a real database: lines that settle, repeated, cut and broken files. argv[1] is the binary."""
import csv
import os
import sys

TOP = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
sys.path.insert(0, os.path.join(TOP, "tests/support"))
import spec  # noqa: E402
from office import OK, PARTLY, FAILED, USAGE, OfficeCase  # noqa: E402

OfficeCase.BINARY = sys.argv.pop(1)
HEAD = "line_reference,booked_on,amount,reference,payer,note"
ACCOUNTS = ("account_no,customer_no,product,currency,principal,interest,penalty,fees,dpd,oldest_due_on,plate,lat,lon,"
            "district,regency,phone")


class ImportStatement(OfficeCase):
    def pay(self, *rows):
        account = "A0,C0,motorcycle,IDR,3500000,400000,60000,40000,,2026-01-31,,-7.8,110.36,,,"
        code, _, err = self.run_it("import", "--as-of", "2026-02-28", self.write(ACCOUNTS, account, name="accounts.csv"))
        self.assertEqual(code, OK, err)
        code, _, err = self.run_it("import-payments", "--source", "GATEWAY", self.write("account_no,reference,amount,paid_at", *rows, name="paid.csv"))
        self.assertEqual(code, OK, err)

    def load(self, path, *words, account="BCA 1"):
        return self.run_it("import-statement", "--account", account, *words, path)

    def count(self, table, where="true"):
        return int(self.value(f"select count(*) from {table} where agency_id = $A and {where}"))

    def balance(self, account):
        return int(self.value(f"select coalesce(sum(amount_minor), 0) from ledger_line where agency_id = $A and ledger_account = {account}"))

    #= RULES.md R-PAY-5
    #  A feed line that matches a receipt settles it and never posts a second payment
    def test_a_statement_settles_and_a_second_run_changes_nothing(self):
        self.pay("A0,GW-1,1000000,2026-03-01", "A0,GW-2,5,2026-03-01")
        path = self.write(HEAD, "L1,2026-03-02,1000000,GW-1,BCA 9,", "L2,2026-03-02,77,,BCA 8,siapa", "L3,2026-03-02,-5,,,biaya")
        code, out, _ = self.load(path)
        self.assertEqual((code, self.results(out)), (OK, {"SETTLED": 1, "SUSPENSE": 1, "OPEN": 1}))
        # J31: bank 1 000 000 · transfer clearing 1 000 000, and J20: bank 77 · suspense 77
        self.assertEqual((self.balance(11), self.balance(8), self.balance(18)), (100007700, 500, -7700))
        self.assertEqual((self.count("payment"), self.count("payment_settled"), self.count("suspense")), (2, 1, 1))
        tables = "payment, posting, ledger_line, bank_line, bank_match, payment_settled, suspense, change".split(", ")
        before = [self.count(table) for table in tables]
        code, out, _ = self.load(path)
        self.assertEqual((code, self.results(out)), (OK, {"SAME": 3}))
        self.assertEqual([self.count(table) for table in tables], before)

    #= RULES.md R-PAY-5b
    #  A statement whose control totals do not fit is refused as a whole.
    def test_a_cut_file_imports_nothing(self):
        rows = [f"L{i},2026-03-02,10,,," for i in range(5)]
        path = self.write(HEAD, *rows)
        code, _, err = self.load(path, "--rows", "6", "--sum", "60")
        self.assertEqual(code, FAILED)
        self.assertIn("control totals", err)
        self.assertEqual(self.load(path, "--rows", "5", "--sum", "50.01")[0], FAILED)
        self.assertEqual(self.count("bank_line"), 0)
        code, out, _ = self.load(path, "--rows", "5", "--sum", "50")
        self.assertEqual((code, self.results(out)), (OK, {"SUSPENSE": 5}))

    def test_a_bad_row_comes_back_with_its_reason(self):
        path = self.write(HEAD, "L1,2026-03-02,0,,,", "L2,02.03.2026,5,,,", "L3,2026-03-02,5", 'L4,2026-03-02,"5,,,', "L5,2026-03-02,6,,,")
        code, out, _ = self.load(path)
        self.assertEqual(code, PARTLY)
        self.assertEqual(self.results(out), {"payment.amount": 1, "date.syntax": 1, "import.columns": 1, "import.line": 1, "SUSPENSE": 1})
        with open(path + ".rejects.csv", newline="", encoding="utf-8") as rejects:
            rows = list(csv.DictReader(rejects))
        self.assertEqual([(int(r["line"]), r["reason"], r["column"]) for r in rows],
                         [(2, "payment.amount", "amount"), (3, "date.syntax", "booked_on"), (4, "import.columns", ""), (5, "import.line", "")])

    def test_more_lines_than_a_batch_are_each_booked_once(self):
        path = self.write(HEAD, *(f",2026-03-02,{1 + i % 3},,,same" for i in range(1203)))
        code, out, _ = self.load(path)
        self.assertEqual((code, self.results(out)), (OK, {"SUSPENSE": 1203}))
        self.assertEqual(self.balance(18), -100 * (401 * 6))
        self.assertEqual(self.results(self.load(path)[1]), {"SAME": 1203})

    def test_wrong_usage_is_told(self):
        path = self.write(HEAD, "L1,2026-03-02,5,,,")
        self.assertEqual(self.run_it("import-statement", path)[0], USAGE)
        self.assertEqual(self.load(path, "--rows", "1")[0], USAGE)
        self.assertEqual(self.load(path, "--rows", "x", "--sum", "5")[0], USAGE)
        self.assertEqual(self.load(path, "--currency", "XXQ")[0], USAGE)
        self.assertEqual(self.load(self.write("booked_on,reference", "2026-03-02,5"))[0], FAILED)
        self.assertEqual(self.load("/nowhere/at/all.csv")[0], FAILED)


if __name__ == "__main__":
    spec.main()
