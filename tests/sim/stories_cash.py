# SPDX-License-Identifier: Apache-2.0
"""Cash, cheques and the bank: handed over, counted, short, brought to the bank; what its statement settles, and what it does
not show."""
from datetime import timedelta

from desk import BANK, CASH_HELD, CHEQUES_IN_COLLECTION, COLLECTOR_RECEIVABLE, DEPOSIT_IN_TRANSIT, TRANSFER_CLEARING, VAULT, decimal, idr, new_id
from field_tables import money
from stories import story
from stories_money import told

NOTES = (100_000, 50_000, 20_000, 10_000, 5_000, 2_000, 1_000, 500, 200, 100, 50)


def pieces(rupiah):
    """Notes and coins that make a sum, as few as there can be."""
    out = []
    for value in NOTES:
        if rupiah >= value:
            out.append({"value_minor": value * 100, "pieces": rupiah // value})
            rupiah %= value
    return out


@story("day", "collectors met and handed cash over: two phones, two signatures, one movement (R-CSH-4, J35)")
def handed_over(desk):
    rows = desk.db.rows("""select h.amount_minor, g.login as giver, t.login as taker, count(l.*) as lines, s.state
        from handover h join handover_state s using (agency_id, handover_id)
        join staff g on g.agency_id = h.agency_id and g.user_id = h.user_id
        join staff t on t.agency_id = h.agency_id and t.user_id = h.counterpart_id
        left join posting o on o.agency_id = h.agency_id and o.kind = 52 and o.trigger_id = h.handover_id
        left join ledger_line l on l.agency_id = o.agency_id and l.posting_id = o.posting_id and l.ledger_account = 5
        where h.side = 1 group by 1, 2, 3, 5, h.entry_id order by 2""")
    if not rows:
        return None
    holds = all(r["state"] == "2" and r["lines"] == "2" for r in rows)
    return holds, ", ".join(f"{r['giver']} to {r['taker']} {money(r['amount_minor'])}" for r in rows[:3])


@story("day", "a false note is reported from the field: its collector owes it until two people decide (R-CSH-4, J35)")
def counterfeit(desk):
    found = [s for s in desk.call("siti", "CashService/ListShortages", page_size=200).shortages if s.kind == 3]
    if not found:
        return None
    before, one = desk.ledger(COLLECTOR_RECEIVABLE), found[0]
    desk.decide("rahmat", desk.propose("siti", "CashService/WriteOffShortage", shortage_id=one.shortage_id, etag=one.etag,
                                       reason="the bank's slip is attached"))
    left = desk.ledger(COLLECTOR_RECEIVABLE)
    return before - left == one.amount.minor, \
        f"{len(found)} reports; {money(one.amount.minor)} of {desk.login_of(one.collector_id)} written off, {money(left)} still owed"


def count(desk, settlement, rupiah, login="kartika"):
    return desk.call(login, "CashService/CountSettlement", settlement_id=settlement.settlement_id, pieces=pieces(rupiah),
                     counted=idr(rupiah), request_id=new_id(), etag=settlement.etag).settlement


def accept(desk, settlement):
    answer = desk.call("kartika", "CashService/AcceptSettlement", settlement_id=settlement.settlement_id, request_id=new_id(),
                       etag=settlement.etag, reason="counted twice")
    if answer.proposal_id:  # a gap before its last entry: a supervisor looks
        desk.decide("siti", answer.proposal_id)


@story("day", "the cashier counts every bag; one is 200 000 short, and its collector owes it (R-CSH-2, J12)")
def cash_counted(desk):
    bags = desk.call("kartika", "CashService/ListSettlements", state="SETTLEMENT_STATE_DECLARED", page_size=200).settlements
    held, owed = desk.ledger(CASH_HELD), desk.ledger(COLLECTOR_RECEIVABLE)
    largest = max(bags, key=lambda b: b.expected.minor)
    if largest.expected.minor < 20_000_000:
        return None
    own = desk.refused(desk.login_of(largest.collector_id), "CashService/CountSettlement", settlement_id=largest.settlement_id,
                       pieces=pieces(50), counted=idr(50), request_id=new_id(), etag=largest.etag)
    desk.kept["counted"] = []
    for bag in bags:
        rupiah = bag.expected.minor // 100 - (200_000 if bag is largest else 0)
        accept(desk, count(desk, bag, rupiah))
        desk.kept["counted"].append((bag.settlement_id, rupiah))
    short, vault = desk.ledger(COLLECTOR_RECEIVABLE) - owed, desk.ledger(VAULT)
    holds = short == 20_000_000 and held - desk.ledger(CASH_HELD) == vault + short and own == "NOT_PERMITTED"
    return holds, f"{len(bags)} bags, {money(vault)} in the vault, {money(short)} short; a collector counting his own: {own}"


@story("day", "the vault goes to the bank, and the shortage is repaid in part (R-CSH-2, J13, J15)")
def cash_deposited(desk):
    if "counted" not in desk.kept:
        return None
    bags = desk.kept["counted"][:100]
    whole = sum(rupiah for _, rupiah in bags)
    desk.call("kartika", "CashService/DepositCash", amount=idr(whole), bank_reference="DEP-1",
              settlement_ids=[settlement for settlement, _ in bags], request_id=new_id())
    owed = desk.ledger(COLLECTOR_RECEIVABLE)
    shortage = next(s for s in desk.call("kartika", "CashService/ListShortages", page_size=200).shortages if s.kind == 1)
    desk.call("kartika", "CashService/RepayShortage", shortage_id=shortage.shortage_id, amount=idr(50_000), request_id=new_id(),
              etag=shortage.etag)
    transit = desk.ledger(DEPOSIT_IN_TRANSIT)
    return owed - desk.ledger(COLLECTOR_RECEIVABLE) == 5_000_000 and transit >= whole * 100, \
        f"{money(transit)} on its way, the phones' own deposits included; 50 000 of 200 000 repaid"


CHEQUES = """select p.payment_id, p.collector_id, p.account_id, p.amount_minor from payment p where p.tender = 4 and not exists (
    select from payment_reversal r where r.agency_id = p.agency_id and r.payment_id = p.payment_id) order by p.amount_minor, p.payment_id"""


@story("day", "cheques are handed in and go to the bank (R-PAY-4, J9)")
def cheques_handed_in(desk):
    cheques = desk.db.rows(CHEQUES)
    if not cheques:
        return None
    for collector in sorted({c["collector_id"] for c in cheques}):
        desk.call("kartika", "ChequeService/HandInCheques", collector_id=collector, request_id=new_id(),
                  payment_ids=[c["payment_id"] for c in cheques if c["collector_id"] == collector])
    whole = sum(int(c["amount_minor"]) for c in cheques)
    return desk.ledger(CHEQUES_IN_COLLECTION) == whole, f"{len(cheques)} cheques, {money(whole)} in collection"


@story("bank", "one cheque bounces: debt, bonus and the bank's fee go back (R-PAY-4, J10)")
def cheque_bounced(desk):
    cheques = desk.db.rows(CHEQUES)
    if not cheques:
        return None
    cheque = cheques[0]
    before, sent = desk.balance(cheque["account_id"]), desk.ledger(CHEQUES_IN_COLLECTION)
    etag = desk.call("kartika", "PaymentService/GetPayment", payment_id=cheque["payment_id"]).payment.etag
    desk.call("siti", "ChequeService/BounceCheque", payment_id=cheque["payment_id"], etag=etag, fee=idr(50_000),
              reason="no funds", request_id=new_id())
    earned = desk.db.number(f"select sum(amount_minor) from bonus_line where payment_id = '{cheque['payment_id']}'")
    after = desk.balance(cheque["account_id"])
    back = after[0] - before[0] + before[1] - after[1]
    holds = back == int(cheque["amount_minor"]) and earned == 0 and sent - desk.ledger(CHEQUES_IN_COLLECTION) == back
    return holds, f"{money(back)} owed again, its bonus is {money(earned)}, fee 50 000"


# ---- the bank's statement --------------------------------------------------------------------------------------------

@story("bank", "the bank's statement settles transfers, cheques, deposits and the gateway, and posts nothing twice (R-PAY-5)")
def statement(desk):
    expected = desk.db.rows("select kind, reference, amount_minor from bank_expected where state = 1 order by kind, reference, amount_minor")
    transfers = [e for e in expected if e["kind"] == "1"]
    hidden = transfers[-2:] if len(transfers) > 4 else []  # money that never came
    shown = [e for e in expected if e not in hidden]
    day = desk.today() - timedelta(days=1)
    rows = [(f"BCA-{i:05}", day, decimal(e["amount_minor"]), e["reference"], "", "") for i, e in enumerate(shown)]
    rows += [("BCA-90001", day, "225000", "", "SLAMET R", "cicilan motor"), ("BCA-90002", "yesterday", "10000", "", "", "")]
    path = desk.file("statement.csv", ("line_reference", "booked_on", "amount", "reference", "payer", "note"), rows)
    payments, bank = desk.db.number("select count(*) from payment"), desk.ledger(BANK)
    first = desk.results("import-statement", "--account", "BCA 0351", path, good=(3,))
    again = desk.results("import-statement", "--account", "BCA 0351", path, good=(3,))
    posted = desk.db.number("select count(*) from payment") - payments
    came = desk.ledger(BANK) - bank
    desk.kept["hidden"] = sum(int(e["amount_minor"]) for e in hidden)
    holds = first.get("SETTLED") == len(shown) and first.get("SUSPENSE") == 1 and first.get("date.syntax") == 1
    holds = holds and again.get("SAME") == len(shown) + 1 and posted == 0
    return holds, (f"{told(first)}; {money(came)} on the account; again: {told(again)}; {posted} payments posted.\n"
                   f"{len(hidden)} transfers of {money(desk.kept['hidden'])} are not in it, "
                   f"{money(desk.ledger(TRANSFER_CLEARING))} in clearing")


@story("weeks", "what the bank has not shown after three working days is told to a supervisor (R-PAY-5)")
def unmatched(desk):
    waits = desk.call("siti", "BankService/ListUnmatched", page_size=200).expected
    if not waits:
        return None
    desk.wait_for("select count(*) from bank_expected where state = 1 and not told", 0)
    whole, told_of = sum(w.amount.minor for w in waits), desk.db.number("select count(*) from change where kind = 37")
    return told_of == len(waits), f"{len(waits)} transfers of {money(whole)}; {told_of} told in the feed, once each"
