# SPDX-License-Identifier: Apache-2.0
"""The evening's tables, for a supervisor: what was done, what came in, who holds it, and what asks for a look."""
import textwrap

import field_db
from field_db import ENTRIES

WIDTH = 100
TENDERS = {1: "cash", 2: "transfer", 3: "QR", 4: "cheque"}
VERDICTS = {1: "inside", 3: "unsure", 2: "outside", 0: "unknown"}
CLASSES = {1: "verified", 2: "review", 3: "needs person"}
BUCKETS = [f"B{i}" for i in range(8)]


def grouped(number):
    return f"{int(number):,}".replace(",", " ")


def money(minor):
    """Whole rupiah; a fraction only where there is one."""
    minor = int(minor or 0)
    text = grouped(abs(minor) // 100) + (f".{abs(minor) % 100:02d}" if minor % 100 else "")
    return f"-{text}" if minor < 0 else text


def percent(part, whole):
    return f"{100 * part / whole:.1f} %" if whole else "-"


def table(title, head, rows, total=None):
    """Lines of one table: the first column to the left, the others to the right."""
    cells = [head] + [[str(c) for c in row] for row in rows] + ([[str(c) for c in total]] if total else [])
    widths = [max(len(row[i]) for row in cells) for i in range(len(head))]

    def line(row):
        return "  ".join(c.ljust(w) if i == 0 else c.rjust(w) for i, (c, w) in enumerate(zip(row, widths)))

    width = max(sum(widths) + 2 * (len(widths) - 1), len(title))
    out = [title, "─" * width, line(head)] + [line(row) for row in cells[1:1 + len(rows)]]
    if total:
        out += ["─" * width, line(cells[-1])]
    return out


def verdict(holds, name, figures):
    """What was looked at and what was found, told in lines that fit; holds: None when there was nothing to look at."""
    mark = "-" if holds is None else "ok" if holds else "FAILED"
    lines = textwrap.wrap(f"{mark:6}  {name}", WIDTH, subsequent_indent=" " * 8) + [
        line for part in figures.split("\n") for line in textwrap.wrap(part, WIDTH, initial_indent=" " * 8, subsequent_indent=" " * 8)]
    print("\n".join(lines), flush=True)


def beside(left, right, gap=4):
    """Two tables side by side, or one below the other where they are too wide."""
    width = max(map(len, left))
    if width + gap + max(map(len, right)) > WIDTH:
        return left + [""] + right
    height = max(len(left), len(right))
    left, right = left + [""] * (height - len(left)), right + [""] * (height - len(right))
    return [f"{a.ljust(width)}{' ' * gap}{b}".rstrip() for a, b in zip(left, right)]


def visits(db):
    names = {1: "PAID", 2: "PARTIALLY_PAID", 3: "PROMISED", 4: "REFUSED", 5: "NOT_HOME", 6: "MOVED",
             7: "WRONG_ADDRESS", 8: "DECEASED", 9: "DISPUTED", 10: "HARDSHIP", 11: "THIRD_PARTY", 12: "UNSAFE"}
    found = db.rows("""select outcome, count(*) as n from visit_state group by 1 order by n desc, outcome""")
    whole = sum(int(r["n"]) for r in found)
    rows = [(names.get(int(r["outcome"]), r["outcome"]) if r["outcome"] else "not reported", grouped(r["n"]),
             percent(int(r["n"]), whole)) for r in found]
    return table("VISITS BY OUTCOME", ["outcome", "visits", "share"], rows, ("all", grouped(whole), ""))


# The newest assessment of each check-in.
SCORES = """
    select c.verdict, coalesce(a.score_class, c.score_class) as class, encode(coalesce(a.signals, c.signals), 'hex') as signals
    from check_in c left join lateral (
        select score_class, signals from check_in_assessment a
        where a.agency_id = c.agency_id and a.check_in_id = c.check_in_id order by n desc limit 1) a on true
"""


def check_ins(db):
    found = {(int(r["verdict"]), int(r["class"])): int(r["n"])
             for r in db.rows(f"select verdict, class, count(*) as n from ({SCORES}) s group by 1, 2")}
    rows = []
    for verdict, name in VERDICTS.items():
        counts = [found.get((verdict, c), 0) for c in CLASSES]
        rows.append((name, *map(grouped, counts), grouped(sum(counts))))
    sums = [sum(n for (_, c), n in found.items() if c == k) for k in CLASSES]
    out = table("CHECK-INS: VERDICT AND SPOOF CLASS", ["verdict", *CLASSES.values(), "all"], rows,
                ("all", *map(grouped, sums), grouped(sum(sums))))
    return out + [""] + signals(db)


def signals(db):
    """Bytes of a score's lines: version, weight set, count, then 19 bytes each that begin with signal, group, points."""
    names = {1: "mock", 2: "stale_fix", 3: "clock_off", 4: "speed"}
    counts, points = {}, {}
    for r in db.rows(f"select signals from ({SCORES}) s"):
        raw = bytes.fromhex(r["signals"])
        for i in range(raw[2] if len(raw) > 2 else 0):
            signal, _, given = raw[3 + 19 * i:6 + 19 * i]
            counts[signal] = counts.get(signal, 0) + 1
            points[signal] = points.get(signal, 0) + given
    rows = [(names.get(s, s), grouped(counts[s]), grouped(points[s])) for s in sorted(counts)]
    return table("SPOOF SIGNALS", ["signal", "check-ins", "points"], rows or [("none", "0", "0")])


def receipts(db):
    found = db.rows(f"""
        select r.tender, count(*) as n, sum(r.amount_minor) as minor,
               count(v.entry_id) filter (where v.effect = 1) as voids,
               coalesce(sum(r.amount_minor) filter (where v.effect = 1), 0) as void_minor
        from receipt r join ({ENTRIES}) e on e.agency_id = r.agency_id and e.entry_hash = r.entry_hash
        left join receipt_void v on v.agency_id = r.agency_id and v.receipt_id = r.entry_id and v.effect = 1
        where e.fate_now in (1, 2, 4) group by 1 order by 1""")
    rows = [(TENDERS[int(r["tender"])], grouped(r["n"]), money(r["minor"]), grouped(r["voids"]), money(-int(r["void_minor"])),
             money(int(r["minor"]) - int(r["void_minor"]))) for r in found]
    sums = [sum(int(r[k]) for r in found) for k in ("n", "minor", "voids", "void_minor")]
    return table("RECEIPTS AND VOIDS, IDR", ["tender", "receipts", "taken", "voids", "voided", "stands"], rows,
                 ("all", grouped(sums[0]), money(sums[1]), grouped(sums[2]), money(-sums[3]), money(sums[1] - sums[3])))


def cash(db):
    found = db.rows("""
        select s.login, c.cash_held_minor as held, c.deposit_in_transit_minor as transit,
               (select count(*) from receipt r where r.agency_id = c.agency_id and r.collector_id = c.collector_id) as n,
               (select sum(declared_minor) from settlement t where t.agency_id = c.agency_id
                    and t.collector_id = c.collector_id) as declared
        from collector_state c join staff s on s.agency_id = c.agency_id and s.user_id = c.collector_id
        order by held desc, login""")
    rows = [(r["login"], r["n"], money(r["held"]), money(r["declared"])) for r in found[:10]]
    rest = found[10:]
    if rest:
        rows.append((f"{len(rest)} others", sum(int(r["n"]) for r in rest), money(sum(int(r["held"]) for r in rest)),
                     money(sum(int(r["declared"] or 0) for r in rest))))
    return table("CASH HELD BY COLLECTOR, IDR", ["collector", "receipts", "holds", "declared"], rows,
                 ("all", sum(int(r["n"]) for r in found), money(sum(int(r["held"]) for r in found)),
                  money(sum(int(r["declared"] or 0) for r in found))))


# The allocation in force of each unreversed payment.
ALLOCATED = """
    select a.* from payment p
    join allocation a on a.agency_id = p.agency_id and a.payment_id = p.payment_id
    where not exists (select from payment_reversal r where r.agency_id = p.agency_id and r.payment_id = p.payment_id)
      and a.version = (select max(version) from allocation x where x.agency_id = p.agency_id and x.payment_id = p.payment_id)
"""


def allocation(db):
    r = db.row(f"""select coalesce(sum(fees_minor), 0) as fees, coalesce(sum(penalty_minor), 0) as penalty,
        coalesce(sum(interest_minor), 0) as interest, coalesce(sum(principal_minor), 0) as principal,
        coalesce(sum(credit_minor), 0) as "customer credit", count(distinct payment_id) as n from ({ALLOCATED}) a""")
    parts = {k: int(v) for k, v in r.items() if k != "n"}
    whole = sum(parts.values())
    return table("ALLOCATION BY COMPONENT, IDR", ["component", "allocated", "share"],
                 [(k, money(v), percent(v, whole)) for k, v in parts.items()], (f"{r['n']} payments", money(whole), ""))


def factor(number):
    return f"{int(number) / 10000:.2f}"


def bonus(db):
    rows, tags = [], field_db.read_list("include/tagih/payment.h", "X")
    for column, name in (("bucket_factor", "bucket"), ("tier_factor", "tier"), ("target_factor", "target"),
                         ("tag_factor", "tag")):
        label = "bucket" if name == "bucket" else "tag" if name == "tag" else "0"
        for r in db.rows(f"""select {label} as step, {column} as factor, count(*) as n, sum(base_minor) as base,
                sum(amount_minor) as minor from bonus_line where kind = 1 group by 1, 2 order by 1, 2"""):
            step = BUCKETS[int(r["step"])] if name == "bucket" else ""
            step = {1: "field cash", 2: "field transfer"}.get(int(r["step"]), tags.get(int(r["step"]), "")) \
                if name == "tag" else step
            rows.append((f"{name} {step}".strip(), factor(r["factor"]), r["n"], money(r["base"]), money(r["minor"])))
    r = db.row("""select count(*) as n, coalesce(sum(base_minor), 0) as base, coalesce(sum(amount_minor), 0) as minor,
        count(*) filter (where kind = 2) as back, count(*) filter (where capped) as capped,
        count(*) filter (where on_hold) as held from bonus_line""")
    out = table("BONUS BY FACTOR, IDR", ["by", "factor", "lines", "base", "bonus"], rows,
                ("net of reversals", "", r["n"], money(r["base"]), money(r["minor"])))
    return out + [f"{r['back']} lines taken back, {r['capped']} capped, {r['held']} on hold"]


def flags(db):
    """By what asks for a look: entries, and their money where they are receipts."""
    known, fates, count, sums = field_db.reasons(), field_db.fates(), {}, {}
    for r in db.rows(f"""select e.fate_now, e.flags_now, count(*) as n, coalesce(sum(coalesce(r.amount_minor, f.minor)), 0) as minor
            from ({ENTRIES}) e left join receipt r on r.agency_id = e.agency_id and r.entry_hash = e.entry_hash
            left join ({field_db.FORKED}) f on f.agency_id = e.agency_id and f.entry_hash = e.entry_hash
            where e.flags_now <> 0 or e.fate_now > 2 group by 1, 2"""):
        for reason in field_db.reasons_of(r["flags_now"]) or [0]:
            key = (int(r["fate_now"]), reason)
            count[key] = count.get(key, 0) + int(r["n"])
            sums[key] = sums.get(key, 0) + int(r["minor"])
    rows = [(fates[fate][0].replace("POSTED_FLAGGED", "flagged").lower(), known.get(reason, ("-", ""))[0],
             grouped(count[fate, reason]), money(sums[fate, reason]) if sums[fate, reason] else "",
             known.get(reason, ("", ""))[1]) for fate, reason in sorted(count)]
    rows += [("evidence", r["reason"], grouped(r["n"]), "", "raw bytes kept, no money")
             for r in db.rows("select reason, count(*) as n from evidence group by 1 order by 1")]
    return left_table("FLAGS AND QUARANTINE", ["fate", "reason", "entries", "receipts, IDR", "what it says"],
                      rows or [("none", "", "0", "", "")])


def left_table(title, head, rows):
    """The last column is a sentence, broken where it does not fit."""
    widths = [max(len(str(row[i])) for row in [head, *rows]) for i in range(4)]
    indent = sum(widths) + 8
    out = [title, "─" * WIDTH]
    for fate, reason, n, minor, text in [head, *rows]:
        first, *more = textwrap.wrap(text, WIDTH - indent) or [""]
        out.append(f"{fate.ljust(widths[0])}  {reason.ljust(widths[1])}  {str(n).rjust(widths[2])}  "
                   f"{minor.rjust(widths[3])}  {first}".rstrip())
        out += [" " * indent + line for line in more]
    return out


def sync(phones, entries):
    total = {k: sum(int(p[k]) for p in phones) for k in
             ("entries", "batches", "lost_replies", "repeats", "pairs", "shuffles", "proofs_new", "proofs_same",
              "online_check_ins", "fate_changes")}
    flipped = sum(e["origin"] == "flipped" for e in entries)
    clones = sum(e["origin"] == "clone" for e in entries)
    told = (f"{grouped(total['entries'])} entries in {grouped(total['batches'])} pushes: {total['lost_replies']} replies lost, "
            f"{total['repeats']} batches sent twice, {total['pairs']} over two connections at once, {total['shuffles']} queues out "
            f"of order, {flipped} copies with a turned bit, {clones} entry of a clone. {total['online_check_ins']} check-ins were told "
            f"by call first; {total['fate_changes']} later changes of fate were pulled. {grouped(total['proofs_new'])} new documents "
            f"verified, {grouped(total['proofs_same'])} repeats were the same bytes.")
    return ["THE NETWORK", "─" * WIDTH, *textwrap.wrap(told, WIDTH)]


def everything(db, phones, entries):
    blocks = [beside(visits(db), check_ins(db)), receipts(db), beside(cash(db), allocation(db)), bonus(db), flags(db),
              sync(phones, entries)]
    return "\n\n".join("\n".join(block) for block in blocks)
