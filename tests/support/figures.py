#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Independent figures for allocation, bonus and the digest of a posting: Python's standard library alone.

Written from RULES.md and from the byte layouts in server/domain/posting.h and include/tagih/bonus.h, not from the C
code. Integers and fractions are exact here, so nothing can be rounded the same wrong way twice.

    figures.py write    write tests/vectors/{allocation,bonus,posting}.csv (the same bytes every time)
    figures.py check    compare the files with what this program finds; exit 1 on a difference
"""
import hashlib
import random
import struct
import sys
import uuid
from fractions import Fraction
from pathlib import Path

VECTORS = Path(__file__).resolve().parent.parent / "vectors"
FEES, PENALTY, INTEREST, PRINCIPAL = range(4)
DEBT, ADVANCE, CREDIT = range(3)  # origin of a part
CHARGE, WAIVER, PAYMENT, REFUND = range(4)

# ---- allocation (R-ALL-2..6) -------------------------------------------------------------------------------------


def lines_in_order(preset, instalments, value_on):
    """Every (instalment, component, origin) that money valued on this day may pay, in order of payment."""
    ordered = sorted(instalments, key=lambda i: (i["due"], i["no"]))
    past = [i for i in ordered if i["due"] < value_on]
    now = [i for i in ordered if i["due"] == value_on]
    ahead = [i for i in ordered if i["due"] > value_on]
    due = past + now
    if preset == "id-default":
        return [(i, c, DEBT) for i in due for c in (FEES, PENALTY, INTEREST, PRINCIPAL)]
    if preset == "tr-tbk100":
        return [(i, c, DEBT) for i in due for c in (FEES, INTEREST, PENALTY, PRINCIPAL)]
    if preset == "id-instalment":
        return ([(i, c, DEBT) for i in due for c in (INTEREST, PRINCIPAL)]
                + [(i, FEES, DEBT) for i in due] + [(i, PENALTY, DEBT) for i in due])
    if preset == "npl":
        return [(i, c, DEBT) for c in (PRINCIPAL, INTEREST, FEES, PENALTY) for i in due]
    order = (INTEREST, PRINCIPAL, FEES, PENALTY)  # in-rbi
    return [(i, c, DEBT) for c in order for i in due] + [(i, c, ADVANCE) for i in ahead for c in order]


class Account:
    def __init__(self, preset, schedule):
        self.preset = preset
        self.lines = [dict(no=no, due=due, owed=list(owed), open=list(owed)) for no, due, owed in schedule]
        self.parts = {}    # (fact id, no, component, origin) -> amount
        self.credits = []  # [fact id, left], oldest first
        self.recoverable = 0

    def spend(self, fact_id, amount, on, from_credit):
        for line, component, origin in lines_in_order(self.preset, self.lines, on):
            if from_credit and origin == ADVANCE:
                break
            paid = min(amount, line["open"][component])
            if paid:
                line["open"][component] -= paid
                amount -= paid
                key = (fact_id, line["no"], component, CREDIT if from_credit else origin)
                self.parts[key] = self.parts.get(key, 0) + paid
        return amount

    def use_credit(self, on):
        for credit in self.credits:
            credit[1] = self.spend(credit[0], credit[1], on, True)

    def put(self, fact):
        line = next((l for l in self.lines if l["no"] == fact["no"]), None)
        amount, c = fact["amount"], fact["component"]
        if fact["kind"] == CHARGE:
            line["owed"][c] += amount
            line["open"][c] += amount
            self.use_credit(fact["day"])
        elif fact["kind"] == WAIVER:
            waived = min(amount, line["open"][c])
            line["owed"][c] -= waived
            line["open"][c] -= waived
        elif fact["kind"] == PAYMENT:
            self.credits.append([fact["id"], self.spend(fact["id"], amount, fact["day"], False)])
        else:
            for credit in self.credits:
                taken = min(amount, credit[1])
                credit[1] -= taken
                amount -= taken
            self.recoverable += amount


def replay(preset, schedule, facts, as_of):
    """Day by day: dues of the day first, then its facts. Slow and plain."""
    account = Account(preset, schedule)
    facts = sorted(facts, key=lambda f: (f["day"], f["kind"] >= PAYMENT, f["us"], f["id"].to_bytes(16, "big")))
    last = max([as_of] + [f["day"] for f in facts])
    for day in range(min([l["due"] for l in account.lines] + [0]), last + 1):
        if day <= last and any(l["due"] == day for l in account.lines):
            account.use_credit(day)
        for fact in facts:
            if fact["day"] == day:
                account.put(fact)
    return account


def state_of(line):
    return 2 if not any(line["open"]) else 1 if line["open"] != line["owed"] else 0


def allocation_case(number, preset, schedule, facts, as_of):
    account = replay(preset, schedule, facts, as_of)
    yield f"case,{number},{preset},{as_of}"
    for no, due, owed in schedule:
        yield "due,%d,%d,%d,%d,%d,%d" % (no, due, *owed)
    for f in facts:
        yield "fact,%(id)d,%(kind)d,%(day)d,%(us)d,%(amount)d,%(no)d,%(component)d" % f
    for (fact_id, no, component, origin), amount in sorted(account.parts.items()):
        yield f"part,{fact_id},{no},{component},{origin},{amount}"
    for fact_id, left in sorted(account.credits):
        yield f"credit,{fact_id},{left}"
    for line in sorted(account.lines, key=lambda l: l["no"]):
        yield "open,%d,%d,%d,%d,%d,%d" % (line["no"], *line["open"], state_of(line))
    credit = sum(left for _, left in account.credits)
    yield f"end,{len(account.parts)},{credit},{account.recoverable}"


def allocation_vectors():
    rng = random.Random(20260301)
    million = [(1, 0, [0, 100000, 200000, 700000])]
    def fact(id_, kind, day, amount, no=1, component=0, us=0):
        return dict(id=id_, kind=kind, day=day, us=us, amount=amount, no=no, component=component)
    yield from allocation_case(1, "id-default", [(1, 0, [40000, 60000, 400000, 3500000])],
                               [fact(1, PAYMENT, 1, 5000000)], 1)
    yield from allocation_case(2, "id-default", million, [fact(2, PAYMENT, 3, 600000)], 4)
    yield from allocation_case(3, "id-default", million, [fact(2, PAYMENT, 3, 600000), fact(1, PAYMENT, 2, 500000)], 4)
    for number in range(4, 604):
        schedule = [(no, rng.randrange(12), [rng.choice((0, rng.randrange(60))) for _ in range(4)])
                    for no in range(1, rng.randrange(2, 6))]
        facts = [fact(id_, rng.choice((CHARGE, WAIVER, PAYMENT, PAYMENT, PAYMENT, REFUND)), rng.randrange(14),
                      rng.randrange(1, 150), rng.randrange(1, len(schedule) + 1), rng.randrange(4), rng.randrange(2))
                 for id_ in rng.sample(range(1, 100), rng.randrange(7))]
        preset = rng.choice(("id-default", "id-default", "id-instalment", "tr-tbk100", "in-rbi", "npl"))
        yield from allocation_case(number, preset, schedule, facts, rng.randrange(16))

# ---- bonus (R-BON-1..3) ------------------------------------------------------------------------------------------

BUCKETS = (Fraction(1), Fraction(1), Fraction(12, 10), Fraction(15, 10)) + (Fraction(2),) * 4
TIERS = ((50_000_000, Fraction(1)), (100_000_000, Fraction(11, 10)), (200_000_000, Fraction(125, 100)))
TARGETS = ((Fraction(80, 100), Fraction(9, 10)), (Fraction(1), Fraction(1)), (Fraction(120, 100), Fraction(11, 10)))
TAGS = {1: 1, 2: 1, 3: 0, 4: 0, 5: Fraction(1, 2), 6: Fraction(1, 2), 7: Fraction(3, 10), 8: 0, 9: 0,
        10: Fraction(3, 10), 11: 1}


def stair(steps, value, top):
    return next((factor for below, factor in steps if value < below), top)


def bonus(base, bucket, mtd, target, tag):
    tier = stair(TIERS, Fraction(mtd, 100), Fraction(14, 10))
    goal = stair(TARGETS, Fraction(mtd, target), Fraction(125, 100)) if target else Fraction(1)
    product = Fraction(base) * 3 / 100 * BUCKETS[bucket] * tier * goal * TAGS[tag]
    line = round(product)  # of a Fraction: half to even
    cap = base * 9 // 100
    factors = [int(f * 10000) for f in (BUCKETS[bucket], tier, goal, Fraction(TAGS[tag]))]
    return factors, min(line, cap), int(line > cap)


def bonus_vectors():
    rng = random.Random(20260302)
    edges = [4_999_999_999, 5_000_000_000, 9_999_999_999, 10_000_000_000, 19_999_999_999, 20_000_000_000]
    for number in range(1, 2001):
        base = rng.choice((rng.randrange(400), rng.randrange(10**6), rng.randrange(10**10), 10**15 - rng.randrange(3),
                           rng.randrange(1, 200) * 50))
        mtd = rng.choice((0, -rng.randrange(10**8), rng.choice(edges), rng.randrange(3 * 10**10)))
        share = rng.choice((8, 10, 12))
        target = rng.choice((0, 1 + rng.randrange(3 * 10**10), max(1, mtd * 10 // share), max(1, mtd * 10 // share + 1)))
        bucket, tag = rng.randrange(8), rng.choice((1, 1, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11))
        factors, amount, capped = bonus(base, bucket, mtd, target, tag)
        yield "%d,%d,%d,%d,%d,%d,%d,%d,%d,%d,%d,%d" % (number, base, bucket, mtd, target, tag, *factors, amount, capped)

# ---- bytes that are hashed ---------------------------------------------------------------------------------------


def name16(text):
    return text.encode().ljust(16, b"\0")


FIELDS = {
    "null": lambda v: b"\x00",
    "bool": lambda v: b"\x01" + bytes([v]),
    "int": lambda v: b"\x02" + struct.pack(">q", v),
    "uuid": lambda v: b"\x03" + uuid.UUID(int=v).bytes,
    "bytes": lambda v: b"\x04" + struct.pack(">I", len(v)) + v,
    "text": lambda v: b"\x05" + struct.pack(">I", len(v.encode())) + v.encode(),
    "date": lambda v: b"\x06" + struct.pack(">i", v),
    "instant": lambda v: b"\x07" + struct.pack(">q", v),
}


def posting_digest(prev, rows):
    digest = hashlib.sha256(name16("tagih.posting.1") + prev)
    for kind, fields in rows:
        row = struct.pack(">HH", kind, len(fields)) + b"".join(FIELDS[t](v) for t, v in fields)
        digest.update(hashlib.sha256(row).digest())
    digest.update(struct.pack(">I", len(rows)))
    return digest.digest()


def chain_start(agency, writer):
    return hashlib.sha256(name16("tagih.chain.1") + agency + struct.pack(">q", writer)).digest()


def bonus_record_hash():
    """The record of tests/domain/figures_spec.c: every field another value."""
    def id_(n):
        return bytes([n]) * 16
    data = name16("tagih.bonus.1") + b"\x11" * 32 + bytes([1]) + b"".join(id_(n) for n in range(2, 8))
    data += struct.pack(">ii", 20513, 20521) + b"IDR" + struct.pack(">qBBqBqi", 4000000, 1, 5, -77, 1, 1000000, 3)
    data += b"standard-1".ljust(32, b"\0") + struct.pack(">iii", 1, 300, 900)
    data += struct.pack(">iiiiBq", 10000, 11000, 9000, 5000, 2 | 4, 54000) + b"\x22" * 32
    return len(data), hashlib.sha256(data).hexdigest()


def posting_vectors():
    start = chain_start(bytes(range(16)), -2)
    rows = [
        (4, [("uuid", 0x0123456789ABCDEF0123456789ABCDEF), ("int", 5000000), ("text", "IDR"), ("bool", 1)]),
        (5, [("int", -1), ("date", -719162), ("null", None), ("bytes", b"\x00\xff")]),
        (5, [("int", 2**63 - 1), ("date", 20513), ("text", ""), ("bytes", b"")]),
        (7, [("instant", 1772400000000000), ("text", "Rp 1 é"), ("bool", 0), ("int", -2**63)]),
    ]
    first = posting_digest(start, rows)
    yield "start," + start.hex()
    yield "first," + first.hex()
    yield "empty," + posting_digest(first, []).hex()
    size, digest = bonus_record_hash()
    yield f"bonus,{digest}"
    assert size == 288


FILES = {"allocation.csv": allocation_vectors, "bonus.csv": bonus_vectors, "posting.csv": posting_vectors}


def main(command):
    differing = []
    for name, vectors in FILES.items():
        text = "\n".join(vectors()) + "\n"
        if command == "write":
            (VECTORS / name).write_text(text)
        elif (VECTORS / name).read_text() != text:
            differing.append(name)
    for name in differing:
        print(f"tests/vectors/{name} is not what tests/support/figures.py finds", file=sys.stderr)
    return 1 if differing else 0


if __name__ == "__main__":
    if sys.argv[1:] not in (["write"], ["check"]):
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1]))
