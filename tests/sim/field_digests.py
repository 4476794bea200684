# SPDX-License-Identifier: Apache-2.0
"""Bonus lines and postings computed again from their rows: formulas, canonical bytes, chains. Written from the byte
layouts in include/tagih/bonus.h, server/domain/posting.h and server/book/digest.c; integers alone."""
import hashlib
import itertools
import re
import struct
import uuid
from datetime import date
from pathlib import Path

EPOCH = date(1970, 1, 1)
NIL = bytes(16)


def days(text):
    return (date.fromisoformat(text) - EPOCH).days


def sha(data):
    return hashlib.sha256(data).digest()


def name16(text):
    return text.encode().ljust(16, b"\0")


# ---- bonus (R-BON-1..5) ------------------------------------------------------------------------------------------

BONUS_SQL = """select *, encode(allocation_digest, 'hex') as allocation_hex, encode(prev_hash, 'hex') as prev_hex,
    encode(hash, 'hex') as hash_hex from bonus_line order by agency_id, collector_id, currency, chain_n"""
PARTS_SQL, TAKEN_SQL = "select * from bonus_part", "select * from bonus_taken"
REVERSAL, CLAWBACK, TRUE_UP = 2, 3, 5  # enum bonus_kind
RATE_BP, CAP_BP = 300, 900
BUCKET = [10000, 10000, 12000, 15000, 20000, 20000, 20000, 20000]
TIERS = [(5_000_000_000, 10000), (10_000_000_000, 11000), (20_000_000_000, 12500), (None, 14000)]
TARGETS = [(8000, 9000), (10000, 10000), (12000, 11000), (None, 12500)]
TAG = {1: 10000, 2: 10000, 3: 0, 4: 0, 5: 5000, 6: 5000, 7: 3000, 8: 0, 9: 0, 10: 3000, 11: 10000}


def half_even(numerator, denominator):
    whole, rest = divmod(numerator, denominator)
    return whole + (2 * rest > denominator or (2 * rest == denominator and whole % 2 == 1))


def bonus_amount(line):
    """The formula, and the factors as the scheme gives them for the stored inputs. None: a factor is not the scheme's."""
    mtd, target = int(line["mtd_minor"]), line["target_minor"]
    tier = next(f for below, f in TIERS if below is None or mtd < below)
    reached = 10000
    if target:
        reached = next(f for below, f in TARGETS if below is None or mtd * 10000 < below * int(target))
    factors = [BUCKET[int(line["bucket"])], tier, reached, TAG[int(line["tag"])]]
    stored = [int(line[f"{k}_factor"]) for k in ("bucket", "tier", "target", "tag")]
    if factors != stored:
        return None
    base, product = int(line["base_minor"]), RATE_BP
    for f in factors:
        product *= f
    return min(half_even(base * product, 10000**5), base * CAP_BP // 10000)


def bonus_hash(line):
    """include/tagih/bonus.h, bonus_record_encode. The hold is named by its first day and not part of the bytes."""
    def optional_id(text):
        return uuid.UUID(text).bytes if text else NIL

    no_target = int(line["kind"]) not in (REVERSAL, CLAWBACK) and not line["target_minor"]
    flags = (1 if no_target else 0) | (4 if line["capped"] == "t" else 0)
    data = name16("tagih.bonus.1") + bytes.fromhex(line["prev_hex"]).rjust(32, b"\0") + bytes([int(line["kind"])])
    for column in ("line_id", "payment_id", "account_id", "collector_id", "team_id"):
        data += optional_id(line[column])
    data += NIL + struct.pack(">ii", days(line["month_on"]), days(line["value_on"])) + line["currency"].encode()
    data += struct.pack(">qBBq", int(line["base_minor"]), int(line["bucket"]), int(line["tag"]), int(line["mtd_minor"]))
    data += struct.pack(">Bqi", bool(line["target_minor"]), int(line["target_minor"] or 0), int(line["target_version"] or 0))
    data += line["scheme"].encode().ljust(32, b"\0")
    data += struct.pack(">iii", int(line["scheme_version"]), RATE_BP, CAP_BP)
    data += struct.pack(">iiii", *(int(line[f"{k}_factor"]) for k in ("bucket", "tier", "target", "tag")))
    data += struct.pack(">Bq", flags, int(line["amount_minor"])) + bytes.fromhex(line["allocation_hex"])
    assert len(data) == 288
    return sha(data)


def month_step(mtd, target):
    tier = next(f for below, f in TIERS if below is None or mtd < below)
    reached = 10000
    if target:
        reached = next(f for below, f in TARGETS if below is None or mtd * 10000 < below * int(target))
    return tier, reached


def true_up_amount(line, parts):
    """A month's line from its parts (R-BON-7). None: its parts, their digest or its factors are not what they should be."""
    digest, countable, net, total, steps = hashlib.sha256(name16("tagih.parts.1")), 0, 0, 0, []
    for p in sorted(parts, key=lambda p: uuid.UUID(p["payment_id"]).bytes):
        base, bucket, tag, written, final = (int(p[k]) for k in ("base_minor", "bucket", "tag", "written_minor", "final_minor"))
        digest.update(uuid.UUID(p["payment_id"]).bytes + struct.pack(">qBBqq", base, bucket, tag, written, final))
        net += base
        countable += base if TAG[tag] else 0
        total += final - written
        steps.append((base, bucket, tag, final))
    tier, reached = month_step(countable, line["target_minor"])
    for base, bucket, tag, final in steps:
        product = RATE_BP * BUCKET[bucket] * tier * reached * TAG[tag]
        if min(half_even(base * product, 10000**5), base * CAP_BP // 10000) != final:
            return None
    stored = (int(line["tier_factor"]), int(line["target_factor"]), int(line["mtd_minor"]), int(line["base_minor"]))
    if stored != (tier, reached, countable, net) or digest.hexdigest() != line["allocation_hex"]:
        return None
    return total


def taken_amount(line, taken):
    """Minus what the line names (R-BON-5). None: it names nothing, or its base is another."""
    base = -sum(int(t["base_minor"]) for t in taken)
    return -sum(int(t["amount_minor"]) for t in taken) if taken and base == int(line["base_minor"]) else None


def worth_of(lines, parts):
    """What can be taken back: (line, payment) → (amount, base), of lines and of parts of TRUE_UP lines."""
    worth = {(b["line_id"], b["payment_id"]): (int(b["amount_minor"]), int(b["base_minor"])) for b in lines}
    worth.update({(p["line_id"], p["payment_id"]): (int(p["final_minor"]) - int(p["written_minor"]), 0) for p in parts})
    return worth


def amount_again(line, parts, taken, worth):
    kind = int(line["kind"])
    if kind == TRUE_UP:
        return true_up_amount(line, parts.get(line["line_id"], []))
    if kind not in (REVERSAL, CLAWBACK):
        return bonus_amount(line)
    named = taken.get(line["line_id"], [])
    for t in named:
        if worth.get((t["taken_line_id"], line["payment_id"])) != (int(t["amount_minor"]), int(t["base_minor"])):
            return None
    return taken_amount(line, named)


def bonus_faults(lines, all_parts=(), all_taken=()):
    """What is wrong with bonus lines: formula, own hash, link to the line before, number in the chain."""
    faults, head = {"formula": 0, "hash": 0, "chain": 0}, {}
    parts, taken, worth = group(all_parts, "line_id"), group(all_taken, "line_id"), worth_of(lines, all_parts)
    for line in lines:
        key = (line["collector_id"], line["currency"])
        number, previous = head.get(key, (0, bytes(32)))
        if amount_again(line, parts, taken, worth) != int(line["amount_minor"]):
            faults["formula"] += 1
        if bonus_hash(line) != bytes.fromhex(line["hash_hex"]):
            faults["hash"] += 1
        if int(line["chain_n"]) != number + 1 or bytes.fromhex(line["prev_hex"]).rjust(32, b"\0") != previous:
            faults["chain"] += 1
        head[key] = (int(line["chain_n"]), bytes.fromhex(line["hash_hex"]))
    return faults, head


# ---- postings ----------------------------------------------------------------------------------------------------

def f_null(_=None):
    return b"\0"


def f_int(value):
    return b"\x02" + struct.pack(">q", int(value))


def f_flags(value):
    return b"\x02" + struct.pack(">Q", int(value) & (2**64 - 1))


def f_uuid(text):
    return b"\x03" + uuid.UUID(text).bytes if text else f_null()


def f_bytes(hexadecimal):
    raw = bytes.fromhex(hexadecimal)
    return b"\x04" + struct.pack(">I", len(raw)) + raw


def f_text(text):
    raw = text.encode()
    return b"\x05" + struct.pack(">I", len(raw)) + raw


def f_date(text):
    return b"\x06" + struct.pack(">i", days(text))


def f_instant(us):
    return b"\x07" + struct.pack(">q", int(us))


ENTRY, ACK, PAYMENT, ALLOCATION, LEDGER_TXN, LEDGER_LINE, BONUS_LINE, EVENT, SNAPSHOT, FACT = 1, 2, 4, 5, 6, 7, 8, 9, 11, 13
PAYMENT_KIND, IMPORT_KIND = "1", "4"  # posting.kind


# Tables whose rows are facts of a posting (server/store/fact.h) have a statement <table>_verify: columns in the order of
# their insert. What postings have beside them has its own place above.
FACT_TYPES = {"bool": lambda v: b"\x01" + bytes([v == "t"]), "int2": f_int, "int4": f_int, "int8": f_int, "uuid": f_uuid,
              "bytea": lambda v: f_bytes(v[2:]), "text": f_text, "date": f_date}
NOT_FACTS = {"posting", "ledger_line", "payment", "allocation", "bonus_line", "payment_reversal", "snapshot"}


def fact_tables():
    """{table: ([(column, type)], order)} as the .sql files say: the order is that in which a posting's rows were digested."""
    found = {}
    for path in sorted((Path(__file__).resolve().parent.parent.parent / "server/store").glob("*.sql")):
        for name, out, order in re.findall(r"^-- name: (\w+)_verify\n-- in:.*\n-- out:  (.*)\n(?:--.*\n)*[^;]*order by ([^;]*);",
                                           path.read_text(encoding="utf-8"), re.M):
            columns = [tuple(reversed(c.split())) for c in out.split(", ")]
            if name not in NOT_FACTS and any(c == "posting_id" for c, _ in columns):
                found[name] = columns, ", ".join(c.split(".")[-1] for c in order.split(", "))
    return found


def facts_of(db):
    """Digests of rows by posting: tables by name."""
    out = {}
    for table, (columns, order) in sorted(fact_tables().items()):
        asked = ", ".join(f"{c}, {c} is null as {c}_null" for c, _ in columns)
        for r in db.rows(f"select {asked} from {table} where posting_id is not null order by {order}"):
            fields = [f_null() if r[c + "_null"] == "t" else FACT_TYPES[kind](r[c]) for c, kind in columns]
            out.setdefault(r["posting_id"], []).append(row_digest(FACT, [f_text(table)] + fields))
    return out


def row_digest(kind, fields):
    return sha(struct.pack(">HH", kind, len(fields)) + b"".join(fields))


def group(rows, *keys):
    out = {}
    for r in rows:
        out.setdefault(tuple(r[k] for k in keys) if len(keys) > 1 else r[keys[0]], []).append(r)
    return out


class Postings:
    """All rows that postings inserted, by what names them."""

    def __init__(self, db):
        self.heads = db.rows("select *, encode(digest, 'hex') as digest_hex from posting order by agency_id, writer_id, writer_n")
        self.lines = group(db.rows("select * from ledger_line order by posting_id, line_no"), "posting_id")
        self.payments = group(db.rows("select * from payment"), "payment_id")
        self.reversals = group(db.rows("select * from payment_reversal"), "reversal_id")
        self.bonus = group(db.rows("""select posting_id, coalesce(payment_id, '00000000-0000-0000-0000-000000000000') as payment_id,
            line_no, encode(hash, 'hex') as hash_hex from bonus_line order by posting_id, payment_id, line_no"""), "posting_id")
        # An entry whose id is not its own, as a fork's, names its posting by the head of its hash. One that waited is
        # digested with the fate that it got when it posted, and without the acknowledgement that it had got before.
        self.entries = group(db.rows("""select case when owns_id then entry_id
                else encode(substring(entry_hash for 16), 'hex')::uuid end as posting_id, encode(entry_hash, 'hex') as hash_hex,
            fate, flags, encode(ack, 'hex') as ack_hex from journal_key
            union all select k.entry_id, encode(entry_hash, 'hex'), e.fate, e.flags, '' from entry_event e
                join journal_key k using (agency_id, entry_hash) where k.fate = 3 order by 3 desc"""), "posting_id")
        self.allocations = group(db.rows("select * from allocation order by payment_id, version, instalment_no"),
                                 "payment_id", "version")
        self.snapshots = group(db.rows("select *, encode(file_hash, 'hex') as file_hex from snapshot"), "account_id", "received_us")
        self.facts = facts_of(db)
        self.by_account, self.used = {}, set()
        for key in self.allocations:
            self.by_account.setdefault(self.payments[key[0]][0]["account_id"], []).append(key)

    def candidates(self, head):
        """The rows of a posting, in the order of their kinds. Which payments a replay allocated anew is written nowhere
        but in their versions: every choice of versions not yet found elsewhere is tried."""
        own = (head["trigger_id"], "1") if head["kind"] == PAYMENT_KIND else None
        others = [key for key in self.by_account.get(head["account_id"], []) if key != own and key not in self.used]
        for n in range(len(others) + 1):
            for chosen in itertools.islice(itertools.combinations(others, n), 200):
                for entry in self.entries.get(head["posting_id"], [None]):
                    yield list(chosen), self.rows_of(head, entry, ([own] if own else []) + list(chosen))

    def rows_of(self, head, entry, allocated):
        rows = []
        if entry:
            rows.append(row_digest(ENTRY, [f_uuid(entry["posting_id"]), f_bytes(entry["hash_hex"]), f_int(entry["fate"]),
                                           f_flags(entry["flags"])]))
            rows.append(row_digest(ACK, [f_bytes(entry["ack_hex"])]))
        if head["kind"] == PAYMENT_KIND:
            rows += [self.payment(p) for p in self.payments.get(head["trigger_id"], [])]
        for key in sorted(allocated, key=lambda k: (uuid.UUID(k[0]).bytes, int(k[1]))):
            rows += self.allocation(key)
        rows.append(row_digest(LEDGER_TXN, [
            f_uuid(head["posting_id"]), f_int(head["kind"]), f_uuid(head["trigger_id"]), f_uuid(head["account_id"]),
            f_date(head["value_on"]), f_date(head["posting_on"]), f_instant(head["at_us"])]))
        for line in self.lines.get(head["posting_id"], []):
            rows.append(row_digest(LEDGER_LINE, [
                f_uuid(line["posting_id"]), f_int(line["line_no"]), f_int(line["ledger_account"]), f_uuid(line["owner_id"]),
                f_text(line["currency"]), f_int(line["amount_minor"])]))
        for b in self.bonus.get(head["posting_id"], []):
            rows.append(row_digest(BONUS_LINE, [f_uuid(b["payment_id"]), f_int(b["line_no"]), f_bytes(b["hash_hex"])]))
        for r in self.reversals.get(head["posting_id"], []):
            rows.append(row_digest(EVENT, [
                f_uuid(r["payment_id"]), f_uuid(r["reversal_id"]), f_int(r["reason"]), f_date(r["value_on"]),
                f_date(r["posting_on"]), f_instant(r["at_us"]), f_uuid(r["actor_id"])]))
        if head["kind"] == IMPORT_KIND:
            rows += [self.snapshot(s) for s in self.snapshots.get((head["account_id"], head["at_us"]), [])]
        return rows + self.facts.get(head["posting_id"], [])

    @staticmethod
    def snapshot(s):
        return row_digest(SNAPSHOT, [
            f_uuid(s["account_id"]), f_date(s["as_of_on"]), f_instant(s["received_us"]), f_bytes(s["file_hex"]),
            f_int(s["row_no"]), f_int(s["load_type"]), f_int(s["fees_minor"]), f_int(s["penalty_minor"]),
            f_int(s["interest_minor"]), f_int(s["principal_minor"]), f_int(s["export_seq"]) if s["export_seq"] else f_null()])

    @staticmethod
    def payment(p):
        reference = f_text(p["source_reference"]) if p["source_reference"] else f_null()
        return row_digest(PAYMENT, [
            f_uuid(p["payment_id"]), f_uuid(p["account_id"]), f_int(p["source"]), reference, f_int(p["tender"]),
            f_int(p["tag"]), f_int(p["amount_minor"]), f_text(p["currency"]), f_instant(p["value_us"]), f_date(p["value_on"]),
            f_date(p["posting_on"]), f_instant(p["received_us"]), f_uuid(p["collector_id"]), f_uuid(p["actor_id"])])

    def allocation(self, key):
        return [row_digest(ALLOCATION, [
            f_uuid(a["payment_id"]), f_int(a["version"]), f_int(a["instalment_no"]), f_int(a["fees_minor"]),
            f_int(a["penalty_minor"]), f_int(a["interest_minor"]), f_int(a["principal_minor"]), f_int(a["credit_minor"]),
            f_int(a["debt_minor"])])
            for a in self.allocations.get(key, [])]


def posting_digest(previous, rows):
    return sha(name16("tagih.posting.1") + previous + b"".join(rows) + struct.pack(">I", len(rows)))


def chain_start(agency, writer):
    return sha(name16("tagih.chain.1") + uuid.UUID(agency).bytes + struct.pack(">q", int(writer)))


def posting_faults(db):
    """Every posting computed again behind the one before it: (postings, found again, faults, heads of the chains)."""
    postings = Postings(db)
    heads, previous, faults, again = {}, {}, 0, 0
    for head in postings.heads:
        key = (head["agency_id"], head["writer_id"])
        number, before = heads.get(key, (0, chain_start(*key)))
        faults += int(head["writer_n"]) != number + 1
        previous[head["posting_id"]] = before
        heads[key] = (int(head["writer_n"]), bytes.fromhex(head["digest_hex"]))
    for head in sorted(postings.heads, key=lambda h: (int(h["at_us"]), int(h["writer_n"]))):
        digest = bytes.fromhex(head["digest_hex"])
        for chosen, rows in postings.candidates(head):
            if posting_digest(previous[head["posting_id"]], rows) == digest:
                postings.used.update(chosen + [(head["trigger_id"], "1")])
                again += 1
                break
        else:
            faults += 1
    return len(postings.heads), again, faults, heads
