#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What must hold after any trouble: I1 … I10 in the database, I4 and I6 against what phones hold, I13 and I14 in the log.

    invariants.py --pg CONNINFO [--acks DIR] [--keys DIR] [--facts FILE] [--log FILE] [--secrets FILE] [--report FILE]

The database is asked in SQL (invariants.sql), and its rows are worked out again by a program that shares no code with the
server (tests/sim/book_checks.py, field_digests.py, tests/support/journal_verify.py). tests/README.md says what each number
means. Only reads; the server may be up or down, but the phones must be quiet.

  --acks DIR     what phones were given: every entries.tsv below it (tests/sim/summary.c), or any such file with a head line
                 that has `hash` and `ack` (hexadecimal), and `origin` where not all of them are genuine
  --keys DIR     the server's keys: acknowledgements are verified, and no secret of them stands in the log
  --facts FILE   rows of money and evidence as they were: those of the last time must all be there unchanged; then remembered
  --log FILE     the server's log, may be given again: no line of a sanitizer, no secret, phone number or debtor's name
  --secrets FILE texts, one a line, that must not stand in the log (passwords, tokens, names)

Exit 0: all hold, 1: one does not, 2: wrong usage. The last line is `N checks, M failures`.
"""
import argparse
import base64
import csv
import hashlib
import json
import re
import sys
from collections import Counter
from pathlib import Path
from types import SimpleNamespace

sys.dont_write_bytecode = True
HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "sim"), str(HERE.parent / "support")]
import book_checks  # noqa: E402
import journal_verify  # noqa: E402
from field_db import Database  # noqa: E402
from field_tables import verdict  # noqa: E402

# Which invariant each check of the books speaks of; one that is not named here is not of this list, and says why.
OF_THE_BOOKS = {
    "identity_of_receipts": "I1", "identity_of_payments": "I1", "identity_of_receivables": "I1",
    "suspense_adds_up": "I2", "postings_balance": "I3", "collector_balances": "I3", "account_balances": "I3",
    "nothing_twice": "I5", "export_is_whole": "I5", "months_stay_closed": "I7", "digests_again": "I8", "bonus_again": "I9",
    "bonus_adds_up": "I9", "clearing_adds_up": "I10", "cheques_add_up": "I10", "cash_adds_up": "I10",
    "two_people": None,   # who may do what: tests/access
    "offers_hold": None,  # a rule of its own: R-WAI-1
}
NUMBERS = [f"I{n}" for n in range(1, 15)]
SANITIZER = re.compile(r"(Address|Thread|Leak|Memory|UndefinedBehavior)Sanitizer|runtime error: ")


class Looked:
    """What was looked at, counted."""

    def __init__(self, say=verdict):
        self.say, self.checks, self.failures, self.numbers = say, 0, [], set()

    def count(self, number, name, checked, wrong, told=""):
        self.checks += checked
        self.numbers.add(number)
        if wrong:
            self.failures.append(f"{number} {name}: {told}")
        self.say(not wrong if checked else None, f"{number:3}  {name}", told or f"{checked} looked at, {wrong} wrong")

    def named(self):
        return " ".join(n for n in NUMBERS if n in self.numbers)

    def report(self, path, test, count, unit, **more):
        """A row of the table that proofs make."""
        row = {"test": test, "count": count, "unit": unit, "faults": 0, "faults_of": {}, "checks": self.checks,
               "invariants": self.named(), "failures": len(self.failures), "note": "", **more}
        with open(path, "a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")


# ---- in SQL ------------------------------------------------------------------------------------------------------------

def statements():
    """[(number, sentence, sql)] of invariants.sql."""
    text = (HERE / "invariants.sql").read_text(encoding="utf-8")
    return re.findall(r"^-- (I\d+) (.+)\n([^;]+);", text, re.M)


def look_in_sql(db, looked, wanted):
    for number, name, sql in statements():
        if wanted and number not in wanted:
            continue
        row = db.row(sql)
        checked, wrong = int(row["checked"]), int(row["wrong"])
        looked.count(number, name, checked, wrong, f"{checked} looked at, {wrong} wrong" + (f": {row['example']}" if wrong else ""))


# ---- worked out again ----------------------------------------------------------------------------------------------------

def look_in_books(db, looked, wanted):
    books = SimpleNamespace(db=db)
    if not db.number("""select count(*) from payment p where source = 1 and not exists (select from payment_reversal r
            where r.agency_id = p.agency_id and r.payment_id = p.payment_id)"""):
        return  # no money has come, or none has stayed: nothing to add up
    for name, function in book_checks.CHECKS:
        number = OF_THE_BOOKS[function.__name__]
        if not number or wanted and number not in wanted:
            continue
        try:
            holds, told = function(books)
        except (RuntimeError, KeyError, ValueError, IndexError, TypeError) as error:
            holds, told = False, f"{type(error).__name__}: {error}".splitlines()[0]
        looked.count(number, name, 1, int(not holds), told)


JOURNAL_SQL = """
    select encode(k.entry_hash, 'hex') as hash, k.device_id, k.epoch, k.seq, k.entry_id, k.kind, k.owns_seq, k.fate,
        encode(b.body, 'hex') as body, encode(k.prev_hash, 'hex') as prev, encode(d.public_key, 'hex') as key,
        encode(d.certificate_hash, 'hex') as certificate, coalesce(e.flags, k.flags) as flags
    from journal_key k join journal_body b using (agency_id, entry_hash)
    left join device_key d on d.agency_id = k.agency_id and d.device_id = k.device_id and d.epoch = k.epoch
    left join lateral (select flags from entry_event e where e.agency_id = k.agency_id and e.entry_hash = k.entry_hash
        order by n desc limit 1) e on true
    order by k.device_id, k.epoch, k.seq, k.owns_seq desc"""


class Journal:
    """The signed bytes of every entry, opened by a reader of its own."""

    def __init__(self, db):
        installation = bytes.fromhex(db.row("select installation_id from installation")["installation_id"].replace("-", ""))
        self.rows, self.unreadable = db.rows(JOURNAL_SQL), []
        for row in self.rows:
            try:
                payload, row["again"] = journal_verify.open_envelope(bytes.fromhex(row["body"]), "journal-entry",
                                                                     bytes.fromhex(row["key"]), installation)
                row["fields"] = journal_verify.load(payload, "PAYLOAD_SYNTAX")
            except (journal_verify.Refused, ValueError) as error:
                row["again"], row["fields"] = None, None
                if row["fate"] != "5":
                    self.unreadable.append(f"{row['hash']}: {error}")

    def signed(self):
        """Those of a device whose signature holds."""
        return [row for row in self.rows if row["fields"]]


def same_as_row(row):
    fields, hexed = row["fields"], lambda text: bytes.fromhex(text.replace("-", ""))
    return (row["again"] == row["hash"] and fields[1] == int(row["kind"]) and fields[2] == hexed(row["device_id"])
            and fields[3] == int(row["epoch"]) and fields[4] == int(row["seq"]) and fields[5].hex() == row["prev"]
            and fields[6] == hexed(row["entry_id"]))


def look_at_bytes(journal, looked):
    """I4: what is stored is what was signed."""
    wrong = [row["hash"] for row in journal.signed() if not same_as_row(row)] + journal.unreadable
    looked.count("I4", "stored bytes verify, and say what their row says", len(journal.rows), len(wrong),
                 f"{len(journal.rows)} entries, {len(wrong)} wrong" + (f": {wrong[0]}" if wrong else ""))


def look_at_chains(journal, looked):
    """I8: each names the hash, worked out again, of the one before it."""
    before, n, wrong = {}, 0, []
    for row in journal.signed():
        if row["owns_seq"] != "t":
            continue
        key, seq = (row["device_id"], row["epoch"]), int(row["seq"])
        expected = row["certificate"] if seq == 1 else before.get((*key, seq - 1))
        before[(*key, seq)] = row["again"]
        n += 1
        odd = int(row["flags"]) >> 17 & 1 or expected is None and int(row["flags"]) >> 2 & 1
        if expected != row["fields"][5].hex() and not odd:
            wrong.append(row["hash"])
    looked.count("I8", "chains of phones worked out again from the signed bytes", n, len(wrong),
                 f"{n} entries, {len(wrong)} do not follow" + (f": {wrong[0]}" if wrong else ""))


def look_at_totals(journal, looked):
    """I10: R-REC-3 from the signed bytes alone."""
    sums, n, wrong = {}, 0, []
    for row in journal.signed():
        if row["owns_seq"] != "t" or row["kind"] not in ("1", "2"):
            continue
        body = row["fields"][16]
        key = (row["device_id"], row["epoch"], body[2])
        count, total = sums.get(key, (0, 0))
        sums[key] = count + 1, total + body[1]
        n += 1
        flags = int(row["flags"])
        if (body[3], body[4]) != sums[key] and not (flags >> 10 & 1 or flags >> 2 & 1):
            wrong.append(row["hash"])
            sums[key] = body[3], body[4]
    looked.count("I10", "running totals worked out again from the signed bytes (R-REC-3)", n, len(wrong),
                 f"{n} receipts and voids, {len(wrong)} wrong" + (f": {wrong[0]}" if wrong else ""))


def look_again(db, looked, wanted):
    if not wanted or wanted & {"I4", "I8", "I10"}:
        journal = Journal(db)
        for number, look in (("I4", look_at_bytes), ("I8", look_at_chains), ("I10", look_at_totals)):
            if not wanted or number in wanted:
                look(journal, looked)


# ---- what phones hold --------------------------------------------------------------------------------------------------------

def held_by_phones(folder):
    """Entries of every such file below the folder."""
    for path in sorted(Path(folder).rglob("entries.tsv")):
        with open(path, encoding="utf-8", newline="") as file:
            yield from csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)


def public_keys(keys, purpose):
    texts = [path.read_text(encoding="ascii") for path in Path(keys).glob(f"{purpose}-*.pub")]
    return [bytes.fromhex(re.search(r"^public ([0-9a-f]{64})$", text, re.M)[1]) for text in texts]


def ack_fault(ack, entry_hash, keys, installation):
    """What is wrong with an acknowledgement, None when nothing is."""
    header = journal_verify.load(journal_verify.load(ack, "ENVELOPE_SYNTAX")[0], "ENVELOPE_SYNTAX")
    key = next((k for k in keys if journal_verify.key_id(k) == header[4]), None)
    if not key:
        return "a key that is not the server's"
    payload, _ = journal_verify.open_envelope(ack, "ack", key, installation)
    return None if journal_verify.load(payload, "PAYLOAD_SYNTAX")[1].hex() == entry_hash else "about another entry"


def look_at_acks(db, looked, folder, keys, wanted):
    """I4 and I6: everything that phones were promised is there, and everything that they issued has a fate."""
    stored = {r["hash"]: r for r in db.rows("""select encode(entry_hash, 'hex') as hash, encode(ack, 'hex') as ack, fate,
        exists (select from journal_body b where b.agency_id = k.agency_id and b.entry_hash = k.entry_hash) as has_body
        from journal_key k""")}
    publics = public_keys(keys, "ack") if keys else []
    installation = bytes.fromhex(db.row("select installation_id from installation")["installation_id"].replace("-", ""))
    acks, issued, lost, without, forged = 0, 0, [], [], []
    for entry in held_by_phones(folder):
        row = stored.get(entry["hash"])
        if entry["ack"]:
            acks += 1
            if not row or row["ack"] != entry["ack"] or row["has_body"] != "t" and row["fate"] != "5":
                lost.append(entry["hash"])
            if publics:
                try:
                    fault = ack_fault(bytes.fromhex(entry["ack"]), entry["hash"], publics, installation)
                except (journal_verify.Refused, KeyError, ValueError) as error:
                    fault = str(error)
                if fault:
                    forged.append(f"{entry['hash']}: {fault}")
        if entry.get("origin", "genuine") == "genuine":
            issued += 1
            if not row or row["fate"] not in ("1", "2", "3", "4"):
                without.append(entry["hash"])
    for number, name, n, wrong in (("I4", "acknowledgements that phones hold are the database's, byte for byte", acks, lost),
                                   ("I4", "they are signed by the server, each about its entry", acks if publics else 0, forged),
                                   ("I6", "issued = posted + flagged + waiting + quarantined", issued, without)):
        if not wanted or number in wanted:
            looked.count(number, name, n, len(wrong), f"{n} looked at, {len(wrong)} wrong" + (f": {wrong[0]}" if wrong else ""))


# ---- facts -------------------------------------------------------------------------------------------------------------------

def fact_rows(db):
    """{table: multiset of digests} of every table that refuses change."""
    tables = [r["name"] for r in db.rows("""select c.relname as name from pg_trigger t join pg_class c on c.oid = t.tgrelid
        where t.tgname = 'fact' and c.relkind in ('r', 'p') and c.relnamespace = 'public'::regnamespace and not c.relispartition
        and c.relname not in ('change', 'request_key') order by 1""")]
    found = {table: Counter() for table in tables}
    asked = " union all ".join(f"select '{t}' as name, hashtextextended(t::text, 0) as h from {t} t" for t in tables)
    for row in db.rows(asked):
        found[row["name"]][row["h"]] += 1
    return found


def read_facts(path):
    found = {}
    for line in Path(path).read_text(encoding="ascii").splitlines():
        table, digest, n = line.split("\t")
        found.setdefault(table, Counter())[digest] = int(n)
    return found


def look_at_facts(db, looked, path):
    """I7: what was there is there, to the bit."""
    now, gone, n = fact_rows(db), [], 0
    for table, rows in (read_facts(path) if Path(path).exists() else {}).items():
        n += rows.total()
        gone += [table] * (rows - now.get(table, Counter())).total()
    lines = [f"{table}\t{digest}\t{count}\n" for table, rows in now.items() for digest, count in rows.items()]
    Path(path).write_text("".join(lines), encoding="ascii")
    looked.count("I7", "rows of money and evidence are what they were", n, len(gone),
                 f"{n} rows seen before, {len(gone)} changed or gone" + (f": of {', '.join(sorted(set(gone)))}" if gone else ""))


# ---- the server's process and its log -----------------------------------------------------------------------------------------

def look_at_log(db, looked, paths, keys, secrets):
    """I13 and I14."""
    words = {r["phone"].lstrip("+") for r in db.rows("select distinct phone from account_state where phone <> ''")}
    words |= set(secrets)
    for path in Path(keys).glob("*.key") if keys else ():
        secret = bytes.fromhex(re.search(r"^secret ([0-9a-f]+)$", path.read_text(encoding="ascii"), re.M)[1])
        words |= {secret.hex(), base64.b64encode(secret).decode().rstrip("="), base64.urlsafe_b64encode(secret).decode().rstrip("=")}
    lines, sanitizer, told = 0, [], []
    known = re.compile("|".join(map(re.escape, sorted(words, key=len, reverse=True)))) if words else None
    for path in paths:
        with open(path, encoding="utf-8", errors="replace") as file:
            for line in file:
                lines += 1
                if SANITIZER.search(line):
                    sanitizer.append(line.strip()[:120])
                if known and known.search(line) or LEAK.search(line):
                    told.append(line.strip()[:60])
    looked.count("I13", "no line of a sanitizer in the log", lines, len(sanitizer),
                 f"{lines} lines" + (f": {sanitizer[0]}" if sanitizer else ""))
    looked.count("I14", "no password, token, key, phone number or name in the log", lines, len(told),
                 f"{lines} lines, {len(words)} texts that must not stand in one, {len(told)} found" + (f": {told[0]} …" if told else ""))


# A bearer of something, a telephone number, or more random letters than an id has.
LEAK = re.compile(r"(?i)bearer [a-z0-9]|\+\d{9,}|[A-Za-z0-9+/_-]{60,}")


class Process:
    """I13: what a process holds, now and later."""

    def __init__(self, pid):
        self.pid = pid
        self.rss_kib, self.descriptors = self.now()

    def now(self):
        status = Path(f"/proc/{self.pid}/status").read_text(encoding="ascii")
        return int(re.search(r"^VmRSS:\s+(\d+) kB", status, re.M)[1]), len(list(Path(f"/proc/{self.pid}/fd").iterdir()))

    def look(self, looked, rss_kib_max, descriptors_max, what="memory and descriptors do not grow"):
        rss, descriptors = self.now()
        grown = rss - self.rss_kib > rss_kib_max, descriptors - self.descriptors > descriptors_max
        looked.count("I13", what, 2, sum(grown), f"RSS {self.rss_kib} to {rss} KiB (at most {rss_kib_max} more), "
                     f"{self.descriptors} to {descriptors} descriptors (at most {descriptors_max} more)")


# ---- all of it ------------------------------------------------------------------------------------------------------------------

def quiet(holds, name, figures):
    """Only what is wrong is worth a line."""
    if holds is False:
        verdict(holds, name, figures)


def look(conninfo, acks=None, keys=None, facts=None, logs=(), secrets=(), only=None, say=quiet, looked=None, books=True):
    """Everything that is asked for; books=False leaves out what takes longest. @return Looked: checks, failures, numbers"""
    db, looked, wanted = Database(conninfo), looked or Looked(say), set(only or ())
    for part in (look_in_sql, look_in_books, look_again) if books else (look_in_sql, look_again):
        part(db, looked, wanted)
    if acks and (not wanted or wanted & {"I4", "I6"}):
        look_at_acks(db, looked, acks, keys, wanted)
    if facts and (not wanted or "I7" in wanted):
        look_at_facts(db, looked, facts)
    if logs and (not wanted or wanted & {"I13", "I14"}):
        look_at_log(db, looked, logs, keys, secrets)
    return looked


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0], epilog=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pg", required=True, metavar="CONNINFO")
    parser.add_argument("--acks", type=Path, metavar="DIR")
    parser.add_argument("--keys", type=Path, metavar="DIR")
    parser.add_argument("--facts", type=Path, metavar="FILE")
    parser.add_argument("--log", type=Path, action="append", default=[], metavar="FILE")
    parser.add_argument("--secrets", type=Path, metavar="FILE")
    parser.add_argument("--only", metavar="LIST", help="such as I3,I8")
    parser.add_argument("--quiet", action="store_true", help="only what is wrong")
    parser.add_argument("--report", type=Path, metavar="FILE")
    options = parser.parse_args()
    secrets = options.secrets.read_text(encoding="utf-8").split("\n") if options.secrets else []
    looked = look(options.pg, options.acks, options.keys, options.facts, options.log, [s for s in secrets if s],
                  options.only.split(",") if options.only else None, quiet if options.quiet else verdict)
    print(f"{looked.checks} checks, {len(looked.failures)} failures")
    if options.report:
        looked.report(options.report, "invariants", 1, "databases")
    return 1 if looked.failures else 0


if __name__ == "__main__":
    sys.exit(main())
