# SPDX-License-Identifier: Apache-2.0
"""What must hold between the phones and the database after the day (R-JRN-4..7, R-REC-3). Each check answers (holds, what
was compared). What must hold within the books, after this day and all that follows, is in book_checks.py."""
from field_db import ENTRIES, FORKED
from field_tables import grouped, money

CHECKS = []


def check(name):
    def add(function):
        CHECKS.append((name, function))
        return function
    return add


class Day:
    def __init__(self, db, phones, entries):
        self.db, self.phones = db, phones
        self.genuine = [e for e in entries if e["origin"] == "genuine"]
        self.flipped = [e for e in entries if e["origin"] == "flipped"]
        self.clones = [e for e in entries if e["origin"] == "clone"]
        self.keys = {r["hash"]: r for r in db.rows(
            f"""select encode(entry_hash, 'hex') as hash, encode(ack, 'hex') as ack_hex, fate, fate_now, flags_now, device_id,
                seq, owns_seq, kind, exists (select from journal_body b where b.agency_id = e.agency_id
                and b.entry_hash = e.entry_hash) as has_body from ({ENTRIES}) e""")}

    def sum(self, column):
        return sum(int(p[column]) for p in self.phones)


# ---- between phones and database ---------------------------------------------------------------------------------

@check("every phone had its day")
def phones_are_well(day):
    troubled = [p["login"] for p in day.phones if p["trouble"]]
    return not troubled and bool(day.phones), f"{len(day.phones) - len(troubled)} of {len(day.phones)} phones"


@check("nothing lost: every entry has its row, body and acknowledgement")
def nothing_lost(day):
    held = sum(e["hash"] in day.keys and day.keys[e["hash"]]["has_body"] == "t" for e in day.genuine)
    return held == len(day.genuine) > 0, f"{grouped(held)} of {grouped(len(day.genuine))} entries"


@check("every acknowledgement verified, and the database holds the same bytes")
def acknowledgements_agree(day):
    same = sum(bool(e["ack"]) and day.keys.get(e["hash"], {}).get("ack_hex") == e["ack"] for e in day.genuine)
    bad = day.sum("proofs_bad")
    return same == len(day.genuine) and bad == 0, f"{grouped(same)} equal, {bad} refused by phones"


@check("repeats brought the first acknowledgement, byte for byte (R-JRN-4)")
def repeats_agree(day):
    same = day.sum("proofs_same")
    return same > 0 and day.sum("proofs_bad") == 0, f"{grouped(same)} repeats"


@check("certificates cover every chain, and the phones could delete all (R-JRN-6)")
def certificates_cover(day):
    server = {r["device_id"]: int(r["contiguous_seq"]) for r in day.db.rows("select device_id, contiguous_seq from device_epoch")}
    covered = sum(int(p["contiguous_seq"]) == int(p["entries"]) == server.get(p["device_id"], -1) for p in day.phones)
    deleted = sum(e["deleted"] == "1" for e in day.genuine)
    return covered == len(day.phones) and deleted == len(day.genuine), f"{covered} chains, {grouped(deleted)} entries deleted"


@check("nothing twice: one payment and one posting for each receipt that posted")
def nothing_twice(day):
    r = day.db.row(f"""select count(*) as receipts, count(p.payment_id) as payments,
            count(distinct p.payment_id) as different, coalesce(sum(n), 0) as postings
        from receipt r join ({ENTRIES}) e on e.agency_id = r.agency_id and e.entry_hash = r.entry_hash and e.fate_now in (1, 2)
        left join payment p on p.agency_id = r.agency_id and p.payment_id = r.entry_id and p.source = 1
        left join lateral (select count(*) as n from posting o where o.agency_id = r.agency_id
            and o.trigger_id = r.entry_id and o.kind = 1) o on true""")
    field = day.db.number("select count(*) from payment where source = 1")
    counts = {int(r["receipts"]), int(r["payments"]), int(r["different"]), int(r["postings"]), field}
    return len(counts) == 1 and field > 0, f"{r['receipts']} receipts, {field} payments, {r['postings']} postings"


@check("an entry has one row, whatever the network did")
def one_row_an_entry(day):
    rows = sum(k["owns_seq"] == "t" for k in day.keys.values())
    return rows == len(day.genuine), f"{grouped(rows)} rows in the chains, {grouped(len(day.genuine))} entries made"


@check("copies with a turned bit are evidence, and moved nothing")
def flipped_are_evidence(day):
    wrong = [e for e in day.flipped if e["fate"] not in ("0", "5") or day.keys.get(e["hash"], {}).get("fate", "5") != "5"]
    kept = day.db.number("select count(*) from evidence") + sum(k["fate"] == "5" for k in day.keys.values())
    return not wrong and (kept > 0 or not day.flipped), f"{len(day.flipped)} copies, {kept} kept as evidence"


@check("the clone is quarantined as a fork, its phone suspended (R-JRN-4)")
def clone_is_caught(day):
    found = [day.keys.get(e["hash"]) for e in day.clones]
    forks = sum(bool(k) and k["fate_now"] == "4" and int(k["flags_now"]) >> 41 & 1 for k in found)
    suspended = day.db.number("select count(*) from device_state where state = 3")
    return forks == len(day.clones) == suspended, f"{forks} of {len(day.clones)} forks, {suspended} suspended"


@check("no entry still waits for another")
def none_waits(day):
    waiting = sum(k["fate_now"] == "3" for k in day.keys.values())
    waited = sum(k["fate"] == "3" for k in day.keys.values())
    return waiting == 0, f"{waiting} wait, {waited} had waited"


@check("no honest phone is accused: no gap, no odd chain, no wrong total remains (R-REC-3)")
def none_is_accused(day):
    accused = {2: "GAP", 10: "TOTAL_MISMATCH", 17: "PREV_MISMATCH"}
    found = [name for k in day.keys.values() if k["owns_seq"] == "t"
             for bit, name in accused.items() if int(k["flags_now"]) >> bit & 1]
    return not found, ", ".join(f"{found.count(name)} {name}" for name in accused.values())


@check("receipts by tender: the phones' own counts and sums are the server's")
def receipts_agree(day):
    mine = {(p["device_id"], t): (int(p[f"{name}_receipts"]), int(p[f"{name}_receipt_minor"]))
            for p in day.phones for t, name in ((1, "cash"), (2, "transfer"), (3, "qr"), (4, "cheque")) if int(p[f"{name}_receipts"])}
    clones = {e["entry_id"] for e in day.clones}
    server = {}
    for r in day.db.rows("select device_id, tender, entry_id, amount_minor from receipt"):
        if r["entry_id"] not in clones:
            n, minor = server.get((r["device_id"], int(r["tender"])), (0, 0))
            server[r["device_id"], int(r["tender"])] = (n + 1, minor + int(r["amount_minor"]))
    return mine == server, f"{grouped(sum(n for n, _ in mine.values()))} receipts, {money(sum(m for _, m in mine.values()))}"


@check("voids: those in time took effect, late ones wait for a person, repeated ones did nothing")
def voids_agree(day):
    r = day.db.row("""select count(*) filter (where effect = 1) as done, count(*) filter (where effect = 2) as nothing,
        count(*) filter (where effect = 3) as wait, coalesce(sum(abs(amount_minor)) filter (where effect = 1), 0) as minor
        from receipt_void""")
    mine = (day.sum("voids"), day.sum("repeated_voids"), day.sum("late_voids"),
            day.sum("cash_void_minor") + day.sum("other_void_minor"))
    server = tuple(int(r[k]) for k in ("done", "nothing", "wait", "minor"))
    return mine == server, f"{server[0]} took effect ({money(server[3])}), {server[1]} did nothing, {server[2]} wait"


@check("running totals of every phone are the sums of the server's facts (R-REC-3)")
def totals_agree(day):
    server = {r["device_id"]: (int(r["n"]), int(r["minor"])) for r in day.db.rows("""
        select k.device_id, count(*) as n, sum(coalesce(r.amount_minor, -abs(v.amount_minor))) as minor from journal_key k
        left join receipt r on r.agency_id = k.agency_id and r.entry_id = k.entry_id
        left join receipt_void v on v.agency_id = k.agency_id and v.entry_id = k.entry_id
        where k.owns_seq and k.kind in (1, 2) group by 1""")}
    same = sum(server.get(p["device_id"], (0, 0)) == (int(p["cum_count"]), int(p["cum_total_minor"])) for p in day.phones)
    return same == len(day.phones), f"{same} of {len(day.phones)} phones, {money(day.sum('cum_total_minor'))} in all"


@check("cash: what each collector counts in his bag is what the ledger says he holds")
def cash_agrees(day):
    held = {r["collector_id"]: int(r["minor"]) for r in day.db.rows(
        "select collector_id, sum(cash_held_minor + deposit_in_transit_minor) as minor from collector_state group by 1")}
    clone = {r["owner_id"]: int(r["minor"]) for r in day.db.rows(
        f"select owner_id, sum(cash_minor) as minor from ({FORKED}) f group by 1")}
    same = sum(int(p["cash_minor"]) + int(p["deposit_minor"]) ==
               held.get(p["user_id"], 0) - clone.get(p["user_id"], 0) for p in day.phones)
    total = day.sum("cash_minor") + day.sum("deposit_minor")
    return same == len(day.phones), f"{same} collectors, {money(total)}; a clone claims {money(sum(clone.values()))} more"


@check("every day is closed: settlements DECLARED with the phones' own figures (R-REC-6)")
def days_are_closed(day):
    server = {r["device_id"]: r for r in day.db.rows("""
        select s.device_id, s.declared_minor, s.receipts, t.state from settlement s
        join settlement_state t on t.agency_id = s.agency_id and t.settlement_id = s.settlement_id""")}
    same = 0
    for p in day.phones:
        s = server.get(p["device_id"])
        n = sum(int(p[f"{k}_receipts"]) for k in ("cash", "transfer", "qr", "cheque"))
        same += bool(s) and s["state"] == "2" and int(s["declared_minor"]) == int(p["cash_minor"]) and int(s["receipts"]) == n
    return same == len(day.phones), f"{same} of {len(day.phones)} settlements"


@check("every visit has one outcome, every check-in is kept, by call or by journal once")
def visits_agree(day):
    r = day.db.row("""select (select count(*) from visit_state where state = 3) as done,
        (select count(*) from visit_outcome) as outcomes, (select count(*) from check_in) as check_ins,
        (select count(*) from promise) as promises""")
    server = tuple(int(r[k]) for k in ("done", "outcomes", "check_ins", "promises"))
    mine = (day.sum("stops"), day.sum("outcomes"), day.sum("check_ins"), day.sum("promises"))
    return mine == server, f"{server[0]} visits, {server[1]} outcomes, {server[2]} check-ins, {server[3]} promises"
