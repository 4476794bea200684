#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Broken files on every command that reads one: what it says, with which exit code, and what is in the books afterwards. One
table of faults, one of commands; each fault is tried on each command, and the whole file after it. argv[1] is the binary."""
import os
import subprocess
import sys
import time
from collections import namedtuple

TOP = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
sys.path.insert(0, os.path.join(TOP, "tests/support"))
import spec  # noqa: E402
from office import OK, PARTLY, FAILED, OfficeCase  # noqa: E402

OfficeCase.BINARY = sys.argv.pop(1)

# A command, its words, its head and three good rows, of which the last holds é; what it makes of a row stands in `table`.
Command = namedtuple("Command", "name words head rows table whole")
ACCOUNT = "A{0},C{0},motorcycle,IDR,3500000,400000,60000,40000,,2026-01-31,,-7.8,110.36,{1},,"
COMMANDS = [
    Command("import", ("--as-of", "2026-02-28"),
            "account_no,customer_no,product,currency,principal,interest,penalty,fees,dpd,oldest_due_on,plate,lat,lon,district,regency,phone",
            [ACCOUNT.format(1, ""), ACCOUNT.format(2, ""), ACCOUNT.format(3, "café")], "account", False),
    Command("import-payments", ("--source", "BRANCH"), "account_no,amount,paid_at,reference",
            ["P1,10,2026-03-01,R1", "P1,20,2026-03-01,R2", "P1,30,2026-03-01,Ré"], "payment", False),
    Command("import-statement", ("--account", "BCA 1"), "line_reference,booked_on,amount,note",
            ["L1,2026-03-02,10,", "L2,2026-03-02,20,", "L3,2026-03-02,30,café"], "bank_line", False),
    Command("import-targets", ("--made-by", "maker", "--approved-by", "checker"), "month,amount,login",
            ["2026-11,10,one", "2026-11,20,two", "2026-11,30,thrée"], "bonus_target", True),
]

LONG = b"9" * 10_000_000


def rows_of(command):
    return [row.encode() for row in command.rows]


def lines(*them, end=b"\n"):
    return b"".join(line + end for line in them)


def whole(command, end=b"\n"):
    return lines(command.head.encode(), *rows_of(command), end=end)


def with_second(command, change):
    one, two, three = rows_of(command)
    return lines(command.head.encode(), one, change(two), three)


# What a file holds → what is said of it, where FILE is its path. Rows of these are good but for one.
ONE_BAD_ROW = {
    "cut in the middle of its last line": (lambda c: whole(c)[:-4], "FILE:4: the file ends within this row"),
    "cut in the middle of a character": (lambda c: whole(c)[:whole(c).index("é".encode()) + 1], "FILE:4: the file ends within this row"),
    "whose last line has no end": (lambda c: whole(c)[:-1], "FILE:4: the file ends within this row"),
    "with NUL bytes in a row": (lambda c: with_second(c, lambda row: row.replace(b"2", b"\0", 1)), "FILE:3: "),
    "with a row that is no UTF-8": (lambda c: with_second(c, lambda row: row.replace(b"2", b"\xc3(", 1)), "FILE:3: "),
    "with a line of 10 MB": (lambda c: with_second(c, lambda row: row + LONG), "FILE:3: the line is too long"),
    "with a quotation mark never closed": (lambda c: with_second(c, lambda row: b'"' + row), "FILE:3: the line is too long, or a quotation mark"),
    "with a row of too few fields": (lambda c: with_second(c, lambda row: row[:row.rindex(b",")]), "FILE:3: the row has another number of fields"),
    "with a row of too many fields": (lambda c: with_second(c, lambda row: row + b",1"), "FILE:3: the row has another number of fields"),
}

# Nothing of these is taken.
NO_FILE = {
    "of 0 bytes": (lambda c: b"", "FILE is empty: its first line names the columns"),
    "that is a byte order mark and no more": (lambda c: b"\xef\xbb\xbf", "FILE is empty: its first line names the columns"),
    "that is empty lines": (lambda c: b"\n\r\n\n", "FILE is empty: its first line names the columns"),
    "that is its head alone": (lambda c: lines(c.head.encode()), "FILE has a head and no row: nothing was imported"),
    "cut within its head": (lambda c: c.head.encode(), "FILE:1: the file ends within this row"),
    "whose head is 10 MB": (lambda c: lines(LONG, *rows_of(c)), "FILE:1: the line is too long"),
    "without a column": (lambda c: whole(c).replace(b"amount", b"sum").replace(b"account_no", b"number"), " is missing"),
    "with a column twice": (lambda c: whole(c).replace(c.head.encode(), c.head.encode() + b"," + c.head.split(",")[1].encode()),
                            "stands there twice"),
    "with semicolons": (lambda c: whole(c).replace(b",", b";"), "FILE:1: its columns are not parted by commas"),
    "with tabs": (lambda c: whole(c).replace(b",", b"\t"), "FILE:1: its columns are not parted by commas"),
    "in UTF-16": (lambda c: whole(c).decode().encode("utf-16"), "FILE:1: "),
    "of zeros": (lambda c: bytes(4096) + b"\n", "FILE:1: "),
}

# All of these are taken.
GOOD = {
    "with LF": whole,
    "with CRLF": lambda c: whole(c, end=b"\r\n"),
    "with a byte order mark": lambda c: b"\xef\xbb\xbf" + whole(c),
    "with both": lambda c: b"\xef\xbb\xbf" + whole(c, end=b"\r\n"),
    "with empty lines": lambda c: whole(c, end=b"\n\n"),
    "with columns in another order and one more": lambda c: lines(*(b"more," + line for line in whole(c).splitlines())),
}


class Files(OfficeCase):
    def local(self, command):
        """What its rows need is made. Logins are the installation's: they carry the agency's name."""
        if command.name == "import-payments":
            code, _, err = self.run_it("import", "--as-of", "2026-02-28",
                                       self.write(COMMANDS[0].head, ACCOUNT.format(9, "").replace("A9", "P1"), name="debtor.csv"))
            self.assertEqual(code, OK, err)
        if command.name != "import-targets":
            return command
        self.value(f"with s as (insert into staff select $A, gen_random_uuid(), '{self.agency}-' || n, n, 1 from"
                   " unnest(array['maker', 'checker', 'one', 'two', 'thrée']) n returning user_id)"
                   " insert into staff_state (agency_id, user_id, roles) select $A, user_id, 4 from s")
        words = ("--made-by", f"{self.agency}-maker", "--approved-by", f"{self.agency}-checker")
        rows = [",".join(row.split(",")[:-1] + [f"{self.agency}-{row.split(',')[-1]}"]) for row in command.rows]
        return command._replace(words=words, rows=rows)

    def put(self, data, name="file.csv"):
        path = os.path.join(self.folder, name)
        with open(path, "wb") as out:
            out.write(data)
        return path

    def load(self, command, path):
        """Exit code, all that was said, and the rows that stand in the books."""
        code, out, err = self.run_it(command.name, *command.words, path)
        return code, out + err, self.taken(command)

    def taken(self, command):
        return int(self.value(f"select count(*) from {command.table} where agency_id = $A"))

    def each(self, faults, check):
        """Every fault on every command, each in an agency of its own."""
        for command in COMMANDS:
            for fault in faults:
                with self.subTest(command=command.name, file=fault):
                    self.setUp()
                    check(self.local(command), faults[fault])

    def assert_whole_file_follows(self, command):
        """Nothing was lost: the mended file brings what is missing and no more."""
        code, said, taken = self.load(command, self.put(whole(command), "mended.csv"))
        self.assertEqual((code, taken), (OK, 3), said)

    #= RULES.md R-IMP-2
    #  a bad row never blocks good rows
    def test_one_bad_row_is_told_by_its_file_and_line_and_blocks_no_other(self):
        def check(command, fault):
            data, words = fault
            path = self.put(data(command))
            begun = time.monotonic()
            code, said, taken = self.load(command, path)
            self.assertLess(time.monotonic() - begun, 20)
            self.assertIn(words.replace("FILE", path), said)
            # targets are taken as a whole or not at all
            self.assertEqual((code, taken), (FAILED, 0) if command.whole else (PARTLY, 2), said)
            self.assert_whole_file_follows(command)
        self.each(ONE_BAD_ROW, check)

    def test_what_is_no_such_file_changes_nothing(self):
        def check(command, fault):
            data, words = fault
            path = self.put(data(command))
            code, said, taken = self.load(command, path)
            self.assertIn(words.replace("FILE", path), said)
            self.assertEqual((code, taken), (FAILED, 0), said)
            self.assertFalse(os.path.exists(path + ".rejects.csv"))
            self.assertEqual(self.value(f"select count(*) from import_file where agency_id = $A and name = '{os.path.basename(path)}'"), "0")
        self.each(NO_FILE, check)

    #= RULES.md R-IMP-2
    #  An import file is identified by its SHA-256: the same file twice changes nothing
    def test_a_good_file_is_taken_whatever_its_line_ends_and_once(self):
        def check(command, data):
            path = self.put(data(command))
            for _ in range(2):
                code, said, taken = self.load(command, path)
                self.assertEqual((code, taken), (OK, 3), said)
        self.each(GOOD, check)

    def test_a_path_that_cannot_be_read_is_told(self):
        pipe = os.path.join(self.folder, "pipe")
        os.mkfifo(pipe)  # nobody writes to it: opening it would wait for ever
        paths = {self.folder: "is a directory: name a file in it", pipe: "is no regular file",
                 os.path.join(self.folder, "none.csv"): "No such file", "/proc/self/mem": "cannot be read"}
        if os.getuid():
            locked = self.put(b"", "locked.csv")
            os.chmod(locked, 0)
            paths[locked] = "cannot be opened: Permission denied"
        for command in map(self.local, COMMANDS):
            for path, words in paths.items():
                with self.subTest(command=command.name, path=path):
                    code, said, taken = self.load(command, path)
                    self.assertEqual((code, taken), (FAILED, 0), said)
                    self.assertIn(f"{path}", said)
                    self.assertIn(words, said)

    def test_rejects_that_cannot_be_kept_are_not_promised(self):
        command = self.local(COMMANDS[1])
        path = self.put(with_second(command, lambda row: row + b",1"))
        os.symlink("/dev/full", path + ".rejects.csv")
        code, said, taken = self.load(command, path)
        self.assertEqual((code, taken), (PARTLY, 2), said)
        self.assertIn("rejected rows: (could not be written)", said)
        self.assertIn(f"first of them: {path}:3: ", said)

    def test_a_full_file_with_bad_rows_warns_before_anybody_is_recalled(self):
        command = COMMANDS[0]._replace(words=("--as-of", "2026-03-31", "--full"))
        code, said, _ = self.load(command, self.put(whole(command)[:-4]))
        self.assertEqual(code, PARTLY)
        self.assertIn("accounts of rejected rows may be among those that are missing", said)

    def test_every_command_that_takes_a_file_stands_in_the_table(self):
        def said(*words):
            return subprocess.run([self.BINARY, "help", *words], capture_output=True, text=True, check=True).stdout.splitlines()
        names = [line.split()[0] for line in said() if line.startswith("  ")]
        with_file = [name for name in names if "FILE" in said(name)[0]]
        self.assertEqual(sorted(with_file), sorted(command.name for command in COMMANDS))


if __name__ == "__main__":
    spec.main()
