# SPDX-License-Identifier: Apache-2.0
"""What must hold within the books, whatever happened (R-LED-1..2, R-BON-1, R-BON-4, R-BON-9, R-CSH-2, R-PAY-2..5, R-OUT-1).
Nothing of the server is asked: only its rows. Each check answers (holds, what was compared)."""
import field_digests
from field_db import ENTRIES, FORKED
from field_tables import ALLOCATED, grouped, money

CHECKS = []


def check(name):
    def add(function):
        CHECKS.append((name, function))
        return function
    return add


def by_currency(day, sql):
    return {r["currency"]: {k: int(v or 0) for k, v in r.items() if k != "currency"} for r in day.db.rows(sql)}


@check("R-LED-2: receipts - voids = field payments + quarantine")
def identity_of_receipts(day):
    found = by_currency(day, f"""
        select a.currency,
            (select sum(r.amount_minor) from receipt r join ({ENTRIES}) e on e.agency_id = r.agency_id
                and e.entry_hash = r.entry_hash where r.currency = a.currency and (e.fate_now in (1, 2) or e.fate_now = 4
                and exists (select from ledger_line l where l.agency_id = r.agency_id and l.posting_id = r.entry_id))) as receipts,
            (select coalesce(sum(z.amount_minor), 0) from receipt_slip z where z.currency = a.currency and (z.restores or not exists
                (select from journal_key k where k.agency_id = z.agency_id and k.entry_id = z.entry_id and k.owns_id))) as slips,
            (select coalesce(sum(f.minor), 0) from ({FORKED}) f where f.currency = a.currency) as forked,
            (select coalesce(sum(abs(v.amount_minor)), 0) from receipt_void v where v.effect = 1 and v.currency = a.currency) as voids,
            (select coalesce(sum(p.amount_minor), 0) from payment p join payment_reversal r on r.agency_id = p.agency_id
                and r.payment_id = p.payment_id where p.source = 1 and r.reason = 1 and p.currency = a.currency and not exists
                (select from receipt_void v where v.agency_id = r.agency_id and v.entry_id = r.reversal_id)) as office_voids,
            (select sum(p.amount_minor) from payment p where p.source = 1 and p.currency = a.currency and not exists
                (select from payment_reversal r where r.agency_id = p.agency_id and r.payment_id = p.payment_id
                 and r.reason = 1)) as payments,
            (select -sum(l.amount_minor) from ledger_line l where l.ledger_account = 19 and l.currency = a.currency) as quarantine
        from (select distinct currency from receipt) a""")
    for f in found.values():
        f["voids"] += f["office_voids"]
        f["receipts"] += f["slips"]
    holds = all(f["receipts"] + f["forked"] - f["voids"] == f["payments"] + f["quarantine"] for f in found.values())
    return holds and bool(found), "; ".join(
        f"{c} {money(f['receipts'] + f['forked'])} - {money(f['voids'])} = {money(f['payments'])} + {money(f['quarantine'])}"
        for c, f in found.items())


@check("R-LED-2: payments = debt allocated + credit created")
def identity_of_payments(day):
    found = by_currency(day, f"""
        select p.currency, sum(p.amount_minor) as payments, sum(a.debt) as debt, sum(a.credit) as credit from payment p
        join (select agency_id, payment_id, sum(fees_minor + penalty_minor + interest_minor + principal_minor) as debt,
                  sum(credit_minor) as credit from ({ALLOCATED}) x group by 1, 2) a
            on a.agency_id = p.agency_id and a.payment_id = p.payment_id group by 1""")
    whole = day.db.number("""select coalesce(sum(p.amount_minor), 0) from payment p where not exists
        (select from payment_reversal r where r.agency_id = p.agency_id and r.payment_id = p.payment_id)""")
    holds = all(f["payments"] == f["debt"] + f["credit"] for f in found.values())
    return holds and whole == sum(f["payments"] for f in found.values()) > 0, "; ".join(
        f"{c} {money(f['payments'])} = {money(f['debt'])} + {money(f['credit'])}" for c, f in found.items())


@check("R-LED-2: debt allocated = decrease of receivables by payments")
def identity_of_receivables(day):
    debt = day.db.number(f"select sum(fees_minor + penalty_minor + interest_minor + principal_minor) from ({ALLOCATED}) a")
    # what charges, waivers and write-offs did is no payment's doing: their other sides are taken off again
    fall = day.db.number("""select -sum(l.amount_minor) from ledger_line l join posting o on o.agency_id = l.agency_id
        and o.posting_id = l.posting_id where o.kind in (1, 2, 3, 5, 6, 7) and (l.ledger_account between 1 and 4
            or l.ledger_account in (28, 29) or (l.ledger_account = 16 and exists (select from ledger_line x
                where x.agency_id = l.agency_id and x.posting_id = l.posting_id and x.ledger_account between 1 and 4)))""")
    # reversed when the creditor's snapshot contained it already: against creditor control, not the receivable (R-PAY-7)
    absorbed = day.db.number("select coalesce(sum(fees_minor + penalty_minor + interest_minor + principal_minor), 0)" """
        from allocation a join (select agency_id, payment_id, max(version) as version from allocation group by 1, 2) n
            using (agency_id, payment_id, version)
        where exists (select from posting o join ledger_line l using (agency_id, posting_id) where o.agency_id = a.agency_id
            and o.trigger_id = a.payment_id and o.kind = 2 and l.ledger_account = 16)""")
    return debt + absorbed == fall > 0, f"{money(debt)} = {money(fall)}; {money(absorbed)} reversed against the creditor"


@check("R-LED-1: every posting sums to zero")
def postings_balance(day):
    r = day.db.row("""select count(*) as n, count(*) filter (where minor <> 0) as bad, coalesce(sum(lines), 0) as lines from (
        select agency_id, posting_id, currency, sum(amount_minor) as minor, count(*) as lines from ledger_line group by 1, 2, 3) s""")
    return r["bad"] == "0" and r["n"] != "0", f"{grouped(r['n'])} postings, {grouped(r['lines'])} lines"


def differing(day, state_sql, account, sign):
    """Owners whose balance differs from the sum of their ledger lines."""
    return day.db.number(f"""select count(*) from ({state_sql}) s full join (
            select owner_id as owner, sum({sign} * amount_minor) as minor from ledger_line
            where ledger_account {account} and owner_id is not null group by 1) l using (owner)
        where coalesce(s.minor, 0) <> coalesce(l.minor, 0)""")


@check("collectors' balances = sums of their ledger lines")
def collector_balances(day):
    state = "select collector_id as owner, sum({}) as minor from collector_state group by 1"
    wrong = sum(differing(day, state.format(column), account, sign) for column, account, sign in (
        ("cash_held_minor", "= 5", 1), ("cheques_in_hand_minor", "= 6", 1),
        ("deposit_in_transit_minor", "= 10", 1), ("collector_receivable_minor", "= 12", 1),
        ("bonus_payable_minor", "= 21", -1)))
    n = day.db.number("select count(distinct collector_id) from collector_state")
    return wrong == 0 and n > 0, f"{n} collectors, cash, cheques, deposits, debts and bonus payable; {wrong} differ"


@check("accounts' balances = sums of their ledger lines = their instalments")
def account_balances(day):
    columns = ("fees", "penalty", "interest", "principal")
    wrong = sum(differing(day, f"select account_id as owner, {c}_minor as minor from account_state", f"= {i + 1}", 1)
                for i, c in enumerate(columns))
    wrong += differing(day, "select account_id as owner, credit_minor as minor from account_state", "= 17", -1)
    parts = " or ".join(f"s.{c}_minor <> coalesce(i.{c}, 0)" for c in columns)
    sums = ", ".join(f"sum({c}_minor) as {c}" for c in columns)
    wrong += day.db.number(f"""select count(*) from account_state s left join (
        select account_id, {sums} from instalment_state group by 1) i using (account_id) where {parts}""")
    n = day.db.number("select count(*) from account_state")
    return wrong == 0 and n > 0, f"{grouped(n)} accounts; {wrong} differ"


@check("bonus computed again: formula, bytes, hash chain of every collector (R-BON-1, R-BON-4)")
def bonus_again(day):
    lines = day.db.rows(field_digests.BONUS_SQL)
    parts, taken = day.db.rows(field_digests.PARTS_SQL), day.db.rows(field_digests.TAKEN_SQL)
    faults, heads = field_digests.bonus_faults(lines, parts, taken)
    state = {(r["collector_id"], r["currency"]): (int(r["bonus_n"]), bytes.fromhex(r["head"])) for r in day.db.rows(
        "select collector_id, currency, bonus_n, encode(bonus_head, 'hex') as head from collector_state where bonus_n > 0")}
    counting = ", ".join(str(tag) for tag, factor in field_digests.TAG.items() if factor)
    months = day.db.number(f"""select count(*) from collector_month m full join (
            select collector_id, month_on, currency, coalesce(sum(base_minor) filter (where tag in ({counting})
                and kind in (1, 2, 4) and not exists (
                    select from bonus_line x where x.payment_id = l.payment_id and x.kind = 6
                        and x.collector_id = l.collector_id and x.month_on = l.month_on)), 0) as base,
                sum(amount_minor) as minor
            from bonus_line l group by 1, 2, 3) b using (collector_id, month_on, currency)
        where m.mtd_minor is distinct from b.base or m.bonus_minor is distinct from b.minor""")
    wrong = sum(faults.values()) + (heads != state) + months
    told = ", ".join(f"{v} {k}" for k, v in faults.items() if v) or "no fault"
    return wrong == 0 and bool(lines), f"{grouped(len(lines))} lines, {len(heads)} chains; {told}"


@check("digests of postings computed again, chained per writer to their heads")
def digests_again(day):
    n, again, faults, heads = field_digests.posting_faults(day.db)
    state = {(r["agency_id"], r["writer_id"]): (int(r["n"]), bytes.fromhex(r["head"])) for r in day.db.rows(
        "select agency_id, writer_id, n, encode(head, 'hex') as head from posting_writer where n > 0")}
    return faults == 0 and heads == state and again > 0, \
        f"{grouped(again)} of {grouped(n)} postings, {len(heads)} writers, {faults} faults"


# ---- what the office does with money -------------------------------------------------------------------------------

def balance(day, accounts, more=""):
    """Sum of ledger accounts, debit positive."""
    return day.db.number(f"select coalesce(sum(amount_minor), 0) from ledger_line l where ledger_account in ({accounts}) {more}")


# Lines of the bank's statements and what they settled, when they came or later.
SETTLED = """select agency_id, expected_id, amount_minor from bank_line where expected_id is not null
    union all select m.agency_id, m.expected_id, b.amount_minor from bank_match m join bank_line b using (agency_id, line_id)"""


@check("nothing twice: a payment, its identity and its reversal each have one posting (R-PAY-3, R-PAY-5)")
def nothing_twice(day):
    r = day.db.row("""select count(*) as payments, count(*) filter (where o.n is distinct from 1) as wrong,
            count(*) filter (where v.payment_id is not null) as reversals,
            count(*) filter (where v.payment_id is not null and coalesce(o.back, 0) <> 1) as wrong_back,
            (select count(*) from (select agency_id, source, source_reference from payment where source_reference is not null
                group by 1, 2, 3 having count(*) > 1) i) as identities
        from payment p left join payment_reversal v using (agency_id, payment_id) left join (
            select agency_id, trigger_id, count(*) filter (where kind <> 2) as n, count(*) filter (where kind = 2) as back
            from posting where kind in (1, 2) group by 1, 2) o on o.agency_id = p.agency_id and o.trigger_id = p.payment_id""")
    wrong = sum(int(r[k]) for k in ("wrong", "wrong_back", "identities"))
    return wrong == 0 and r["payments"] != "0", f"{grouped(r['payments'])} payments, {grouped(r['reversals'])} reversals; {wrong} wrong"


@check("suspense: received - released - returned = what waits = the ledger (R-PAY-2)")
def suspense_adds_up(day):
    r = day.db.row("""select coalesce(sum(s.amount_minor), 0) as received,
            coalesce(sum(s.amount_minor) filter (where d.outcome = 3), 0) as released,
            coalesce(sum(s.amount_minor) filter (where d.outcome = 4), 0) as returned,
            (select coalesce(sum(amount_minor), 0) from suspense_state where state = 2) as waits
        from suspense s left join suspense_decision d using (agency_id, item_id)""")
    received, released, returned, waits = (int(r[k]) for k in ("received", "released", "returned", "waits"))
    return received - released - returned == waits == -balance(day, "18"), \
        f"{money(received)} - {money(released)} - {money(returned)} = {money(waits)}"


@check("transfer clearing: what the bank has not shown yet, item by item (R-PAY-5)")
def clearing_adds_up(day):
    waits = day.db.number("select coalesce(sum(amount_minor), 0) from bank_expected where ledger_account = 8 and state = 1")
    seen = day.db.number("select count(*) from payment_settled")
    twice = day.db.number(f"select count(*) from (select from ({SETTLED}) m group by agency_id, expected_id having count(*) > 1) x")
    return balance(day, "8") == waits and twice == 0, f"{money(waits)} expected; {grouped(seen)} payments settled by bank lines, {twice} twice"


@check("cheques: taken - cleared - given back = in hand + in collection (R-PAY-4)")
def cheques_add_up(day):
    # One that is voided in collection stays there, its money in suspense; one that was cleared may still come back.
    r = day.db.row(f"""select coalesce(sum(p.amount_minor), 0) as taken, (select coalesce(sum(m.amount_minor), 0) from ({SETTLED}) m
                join bank_expected e using (agency_id, expected_id) where e.kind in (3, 8)) as cleared,
            coalesce(sum(p.amount_minor) filter (where exists (select from posting o join ledger_line l using (agency_id, posting_id)
                where o.agency_id = p.agency_id and o.trigger_id = p.payment_id and o.kind = 2 and l.ledger_account in (6, 7))), 0)
                as back
        from payment p where p.tender = 4""")
    taken, cleared, back = (int(r[k]) for k in ("taken", "cleared", "back"))
    left = balance(day, "6, 7")
    held = day.db.number("select coalesce(sum(cheques_in_hand_minor), 0) from collector_state")
    return taken - cleared - back == left, f"{money(taken)} - {money(cleared)} - {money(back)} = {money(held)} + {money(left - held)}"


@check("cash: what came into bags is held, in the vault, on its way, at the bank, owed or missing (R-CSH-1..4)")
def cash_adds_up(day):
    def beside(account, others):
        """Of the lines of one account, those whose posting has one of the others."""
        return balance(day, account, "and exists (select from ledger_line x where x.agency_id = l.agency_id"
                                     f" and x.posting_id = l.posting_id and x.ledger_account in ({others}))")

    # The other side of a bag says whether money came in or only moved: debt, creditor, credit, suspense or quarantine.
    came = -beside("1, 2, 3, 4, 16, 17, 18, 19", "5")
    owed_for_bonus = beside("12", "21")
    # Against the bank's own line, or against suspense where the line had come before the deposit (R-CSH-2e).
    at_bank = -beside("10", "11, 18")
    held, vault, transit = balance(day, "5"), balance(day, "9"), balance(day, "10")
    missing = balance(day, "12, 20, 27") - owed_for_bonus
    return came == held + vault + transit + at_bank + missing, \
        f"{money(came)} = {money(held)} + {money(vault)} + {money(transit)} + {money(at_bank)} + {money(missing)}"


@check("bonus payable: lines written - paid out - turned into claims = the ledger (R-BON-9)")
def bonus_adds_up(day):
    r = day.db.row("""select (select coalesce(sum(amount_minor), 0) from bonus_line) as written,
        (select coalesce(sum(s.paid_minor), 0) from bonus_payout_share s join bonus_payout_paid p using (agency_id, run_no)) as paid,
        (select coalesce(sum(amount_minor), 0) from bonus_leaving) as left_owing""")
    written, paid, left = int(r["written"]), int(r["paid"]), int(r["left_owing"])
    return written - paid + left == -balance(day, "21"), f"{money(written)} - {money(paid)} + {money(left)} = {money(-balance(day, '21'))}"


@check("the export has no gap: a payment or reversal is in it once, a reversal behind its payment (R-OUT-1)")
def export_is_whole(day):
    r = day.db.row("""select count(*) as n, count(*) filter (where e.seq <> e.place) as gaps,
            count(*) filter (where e.kind = 2 and not exists (select from payment_export p where p.agency_id = e.agency_id
                and p.payment_id = e.payment_id and p.kind = 1 and p.seq < e.seq)) as orphans,
            (select count(*) from payment) + (select count(*) from payment_reversal) as facts
        from (select *, row_number() over (partition by agency_id order by seq) as place from payment_export) e""")
    pairs = day.db.number("select count(*) from (select distinct agency_id, payment_id, kind from payment_export) x")
    # The newest facts get their numbers when somebody asks for the export.
    holds = int(r["n"]) == pairs <= int(r["facts"]) and r["gaps"] == r["orphans"] == "0"
    return holds, f"{grouped(r['n'])} of {grouped(r['facts'])} facts have their numbers, {r['gaps']} gaps"


@check("nobody approved what he proposed himself")
def two_people(day):
    r = day.db.row("""select count(*) as n, count(*) filter (where d.verdict = 2 and d.decided_by = p.made_by) as own
        from proposal p join proposal_decision d using (agency_id, proposal_id)""")
    return r["own"] == "0", f"{grouped(r['n'])} proposals decided, {r['own']} by their own makers"


@check("offers: what was waived stands only where the sum was paid and stays (R-WAI-1)")
def offers_hold(day):
    r = day.db.row("""select count(*) filter (where s.state = 3) as fulfilled, count(*) as n,
            coalesce(sum(w.minor), 0) as waived, count(*) filter (where coalesce(w.minor, 0)
                <> case when s.state = 3 then o.fees_minor + o.penalty_minor + o.interest_minor + o.principal_minor else 0 end) as wrong
        from settlement_offer o join settlement_offer_state s using (agency_id, offer_id) left join (
            select v.agency_id, v.offer_id, sum(f.amount_minor) as minor
            from settlement_offer_waiver v join account_fact f using (agency_id, fact_id) where not exists (
                select from account_fact_withdrawal x where x.agency_id = v.agency_id and x.fact_id = v.fact_id)
            group by 1, 2) w on w.agency_id = o.agency_id and w.offer_id = o.offer_id""")
    return r["wrong"] == "0", f"{r['fulfilled']} of {r['n']} fulfilled, {money(r['waived'])} waived; {r['wrong']} wrong"


@check("a closed month stays closed: nothing was booked in it afterwards (R-CLS-1)")
def months_stay_closed(day):
    r = day.db.row("""select (select count(*) from month_close) as months, count(*) as late from posting o join month_close c
        on c.agency_id = o.agency_id and date_trunc('month', o.posting_on) = c.month_on
        where o.at_us > c.closed_us and c.made_by is not null
          and exists (select from ledger_line l where l.agency_id = o.agency_id and l.posting_id = o.posting_id)""")
    return r["late"] == "0", f"{r['months']} closed, {r['late']} postings behind a close"
