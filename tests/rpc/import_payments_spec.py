#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""tagihd import-payments on a real database: good files, broken rows, cut files, killed runs. argv[1] is the binary."""
import csv
import os
import signal
import subprocess
import sys
import time

TOP = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
sys.path.insert(0, os.path.join(TOP, "tests/support"))
import spec  # noqa: E402
from office import OK, PARTLY, FAILED, USAGE, OfficeCase  # noqa: E402

OfficeCase.BINARY = sys.argv.pop(1)
HEAD = "account_no,reference,amount,paid_at"
ACCOUNTS = ("account_no,customer_no,product,currency,principal,interest,penalty,fees,dpd,oldest_due_on,plate,lat,lon,"
            "district,regency,phone")


class ImportPayments(OfficeCase):
    def accounts(self, n):
        rows = (f"A{i},C{i},motorcycle,IDR,3500000,400000,60000,40000,,2026-01-31,,-7.8,110.36,,," for i in range(n))
        code, _, err = self.run_it("import", "--as-of", "2026-02-28", self.write(ACCOUNTS, *rows, name="accounts.csv"))
        self.assertEqual(code, OK, err)

    def load(self, path, *words, source="BRANCH"):
        return self.run_it("import-payments", "--source", source, *words, path)

    def count(self, table, where="true"):
        return int(self.value(f"select count(*) from {table} where agency_id = $A and {where}"))

    def ledger(self, account):
        return int(self.value(f"select coalesce(sum(amount_minor), 0) from ledger_line where agency_id = $A and ledger_account = {account}"))

    #= RULES.md R-PAY-5f
    #  A payment file has one source and one currency; a row of it is a payment, or is refused by itself with a reason.
    def test_a_bad_row_comes_back_with_its_reason(self):
        self.accounts(2)
        path = self.write(HEAD + ",tag", "A0,R1,1000000,2026-03-01,", "A1,R2,-5,2026-03-01,", "A1,R3,5,2026-03-01 08:00:00,LAWYER",
                          "A1,R4", 'A1,"R5,7,2026-03-01,', "A9,R6,50,2026-03-01,", "#TOTAL,6,1000055")
        code, out, _ = self.load(path)
        self.assertEqual(code, PARTLY)
        self.assertEqual(self.results(out), {"POSTED": 2, "money.negative": 1, "import.columns": 1, "import.line": 1, "SUSPENSE": 1})
        self.assertIn("control totals               match", out)
        self.assertIn("sum of all amounts           1000055.00 IDR", out)
        with open(path + ".rejects.csv", newline="", encoding="utf-8") as rejects:
            rows = list(csv.DictReader(rejects))
        self.assertEqual([(int(r["line"]), r["reason"], r["column"]) for r in rows],
                         [(3, "money.negative", "amount"), (5, "import.columns", ""), (6, "import.line", "")])
        self.assertEqual(rows[0]["row"], "A1,R2,-5,2026-03-01,")
        self.assertEqual(self.value("select string_agg(tag::text, ' ' order by source_reference) from payment where agency_id = $A"), "3 5")
        self.assertEqual(self.value("select sum(amount_minor) from ledger_line where agency_id = $A"), "0")

    #= RULES.md R-IMP-2
    #  An import file is identified by its SHA-256: the same file twice changes nothing
    def test_the_same_file_twice_changes_nothing(self):
        self.accounts(3)
        path = self.write(HEAD, *(f"A{i % 3},R{i},10,2026-03-0{1 + i % 5}" for i in range(20)), "#TOTAL,20,200")
        code, out, _ = self.load(path)
        self.assertEqual((code, self.results(out)), (OK, {"POSTED": 20}))
        tables = "payment, allocation, posting, ledger_line, payment_file, payment_file_row, change, suspense".split(", ")
        before = [self.count(table) for table in tables]
        code, out, _ = self.load(path)
        self.assertEqual((code, self.results(out)), (OK, {"SAME": 20}))
        self.assertEqual([self.count(table) for table in tables], before)

    #= RULES.md R-PAY-5f
    #  control totals count every row and the amount of each that can be read, refused ones included, so that a file that was
    #  cut is told while what is good posts.
    def test_a_cut_file_is_told_and_the_whole_one_goes_on(self):
        self.accounts(1)
        rows = [f"A0,R{i},10,2026-03-01" for i in range(5)]
        whole = self.write(HEAD, *rows, "#TOTAL,5,50", name="whole.csv")
        cut = self.write(HEAD, *rows, name="cut.csv")
        with open(cut, "r+b") as file:
            file.truncate(os.path.getsize(cut) - 12)
        code, out, _ = self.load(cut, "--rows", "5", "--sum", "50")
        self.assertEqual((code, self.results(out)), (PARTLY, {"POSTED": 4, "import.cut": 1}))
        self.assertIn("control totals               the file does not hold what its control totals say", out)
        code, out, _ = self.load(whole)
        self.assertEqual((code, self.results(out)), (OK, {"SAME": 4, "POSTED": 1}))
        self.assertIn("control totals               match", out)

    def test_a_cut_between_rows_is_told_by_the_missing_totals(self):
        self.accounts(1)
        code, out, _ = self.load(self.write(HEAD, "A0,R1,10,2026-03-01"))
        self.assertEqual(code, OK)
        self.assertIn("none were given", out)

    def test_rows_behind_the_totals_are_refused(self):
        self.accounts(1)
        code, out, _ = self.load(self.write(HEAD, "A0,R1,10,2026-03-01", "#TOTAL,1,10", "A0,R2,10,2026-03-01"))
        self.assertEqual((code, self.results(out)), (PARTLY, {"POSTED": 1, "payment.file_end": 1}))
        self.assertIn("the file does not hold what its control totals say", out)
        self.assertEqual(self.count("payment"), 1)

    #= RULES.md R-PAY-5
    #  Payment identity = (agency, source, source reference), unique over all files and calls; the same reference with other
    #  content is refused.
    def test_the_same_row_in_another_file_is_the_same_payment(self):
        self.accounts(2)
        self.load(self.write(HEAD, "A0,R1,10,2026-03-01", name="a.csv"))
        code, out, _ = self.load(self.write(HEAD, "A0,R1,10.00,2026-03-01", "A1,R1,10,2026-03-01", "A0,R1,11,2026-03-01",
                                            "A0,R1,10,2026-03-02", name="b.csv"))
        self.assertEqual((code, self.results(out)), (PARTLY, {"SAME": 1, "payment.identity_reused": 3}))
        code, out, _ = self.load(self.write(HEAD, "A1,R1,10,2026-03-01", name="c.csv"), source="GATEWAY")
        self.assertEqual((code, self.results(out)), (OK, {"POSTED": 1}))
        self.assertEqual(self.count("payment"), 2)

    def test_a_killed_run_is_finished_by_the_next_one(self):
        self.accounts(50)
        path = self.write(HEAD, *(f"A{i % 50},R{i},1,2026-03-{1 + i % 28:02}" for i in range(6000)), "#TOTAL,6000,6000")
        words = [self.BINARY, "import-payments", "--source", "BRANCH", "--agency", self.agency, "--database-url", self.app, path]
        job = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 60
        while self.count("payment") == 0 and time.monotonic() < deadline:
            time.sleep(0.02)
        job.send_signal(signal.SIGKILL)
        job.wait()
        done = self.count("payment")
        self.assertTrue(0 < done < 6000, done)
        code, out, err = self.load(path)
        self.assertEqual(code, OK, err)
        self.assertEqual(self.results(out), {"SAME": done, "POSTED": 6000 - done})
        self.assertIn("control totals               match", out)
        self.assertEqual((self.count("payment"), self.ledger(8)), (6000, 600000))

    def test_what_is_no_payment_file_is_refused_whole(self):
        self.accounts(1)
        good = self.write(HEAD, "A0,R1,10,2026-03-01")
        self.assertEqual(self.load(self.write("account_no,amount", name="head.csv"))[0], FAILED)
        self.assertEqual(self.load(self.write("", name="empty.csv", end=""))[0], FAILED)
        self.assertEqual(self.load(os.path.join(self.folder, "nowhere.csv"))[0], FAILED)
        self.assertEqual(self.load(good, source="FIELD")[0], USAGE)
        self.assertEqual(self.load(good, "--rows", "1")[0], USAGE)
        self.assertEqual(self.load(good, "--rows", "x", "--sum", "1")[0], USAGE)
        self.assertEqual(self.load(good, "--currency", "XQQ")[0], USAGE)
        self.assertEqual(self.count("payment"), 0)

    #= RULES.md R-PAY-5g
    #  A gateway's notification is the bytes that it signed, HMAC-SHA-256 under a secret or Ed25519, by a key registered for
    #  the agency and gateway
    def test_a_gateways_secret_is_shown_once(self):
        code, out, _ = self.run_it("gateway", "add", "xendit")
        secret = next(line.split()[1] for line in out.splitlines() if line.startswith("secret"))
        self.assertEqual((code, len(secret)), (OK, 64))
        self.assertEqual(self.value("select encode(key, 'hex') from gateway_key where agency_id = $A"), secret)
        point = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"  # RFC 8032, test 1
        self.assertEqual(self.run_it("gateway", "add", "xendit", "--ed25519", point)[0], OK)
        self.assertEqual(self.run_it("gateway", "add", "xendit", "--ed25519", "00" * 32)[0], USAGE)
        self.assertEqual(self.run_it("gateway", "add", "No Name")[0], USAGE)
        self.assertEqual(self.run_it("gateway", "retire", "xendit", "1")[0], OK)
        self.assertEqual(self.run_it("gateway", "retire", "xendit", "1")[0], FAILED)
        code, out, _ = self.run_it("gateway", "list")
        self.assertEqual(code, OK)
        self.assertNotIn(secret, out)
        self.assertEqual([line.split()[1:3] + line.split()[-1:] for line in out.splitlines()],
                         [["1", "HMAC-SHA-256", "retired"], ["2", "Ed25519", "verifies"]])

    #= RULES.md R-OUT-1
    #  Payments collected here are exported with a gapless sequence, reversals as rows of their own, re-sendable by range up to
    #  the receiver's acknowledged high-water mark.
    def test_what_was_collected_is_written_by_its_sequence(self):
        self.accounts(2)
        self.load(self.write(HEAD, "A0,R1,10,2026-03-01", 'A1,"R,2",20.50,2026-03-02'))
        deadline = time.monotonic() + 20  # rows get their numbers once no older transaction of the cluster runs
        while self.count("change", "xid >= pg_snapshot_xmin(pg_current_snapshot())") and time.monotonic() < deadline:
            time.sleep(0.02)
        code, out, err = self.run_it("export-payments")
        self.assertEqual(code, OK, err)
        rows = list(csv.DictReader(out.splitlines()))
        self.assertEqual([(r["seq"], r["kind"], r["account_no"], r["reference"], r["amount"], r["value_on"]) for r in rows],
                         [("1", "PAYMENT", "A0", "R1", "10.00", "2026-03-01"), ("2", "PAYMENT", "A1", "R,2", "20.50", "2026-03-02")])
        self.assertEqual(self.run_it("export-payments", "--ack", "3")[0], FAILED)
        self.assertEqual(self.run_it("export-payments", "--ack", "1")[0], OK)
        self.assertEqual([line.split(",")[0] for line in self.run_it("export-payments")[1].splitlines()], ["seq", "2"])
        again = self.run_it("export-payments", "--after", "0", "--until", "1")[1].splitlines()
        self.assertEqual(again, out.splitlines()[:2])
        self.assertEqual(self.run_it("export-payments", "--after", "x")[0], USAGE)


if __name__ == "__main__":
    spec.main()
