# SPDX-License-Identifier: Apache-2.0
"""Payments that are no receipts, and what else happens to a payment: in part and in advance, by a gateway's own word, from a
file, into suspense and out of it, given back, settled at a discount, tagged anew."""
import csv
import hashlib
import hmac
import json
from datetime import timedelta

from desk import JAKARTA, SUSPENSE, idr, new_id
from field_tables import money
from stories import story


@story("day", "a gateway's payment in part, and again: one payment (R-PAY-5)")
def gateway_in_part(desk):
    who = desk.debtor()
    half = int(who["open_minor"]) // 200
    first = desk.pay(who["account_id"], half, reference="GW-2026-1").payment
    again = desk.pay(who["account_id"], half, reference="GW-2026-1", value_us=first.value_us).payment
    other = desk.refused("gateway", "PaymentService/PostPayment", account_id=who["account_id"], source="PAYMENT_SOURCE_GATEWAY",
                         source_reference="GW-2026-1", amount=idr(half + 1), value_us=first.value_us)
    debt, _ = desk.balance(who["account_id"])
    holds = first.payment_id == again.payment_id and debt == int(who["open_minor"]) - half * 100 and other == "PAYMENT_IDENTITY_REUSED"
    return holds, f"{money(half * 100)} of {money(who['open_minor'])} owed; the same reference with another amount: {other}"


@story("day", "a gateway tells of a payment by its signature, without a token: contacts fall silent (R-PAY-2, R-PAY-5g)")
def gateway_by_signature(desk):
    said = desk.run("gateway", "add", "nusapay")
    secret = bytes.fromhex(next(line.split()[1] for line in said.splitlines() if line.startswith("secret")))
    who = desk.debtor()
    paid_at = (desk.now() - timedelta(minutes=2)).astimezone(JAKARTA).isoformat(timespec="seconds")
    body = json.dumps({"reference": "NP-1001", "account_no": who["account_no"], "amount": "750000", "currency": "IDR",
                       "paid_at": paid_at}).encode()
    told = {"agency_id": desk.db.row("select agency_id from agency")["agency_id"], "gateway": "nusapay", "body": body}
    signature = hmac.new(secret, body, hashlib.sha256).digest()
    first = desk.call(None, "PaymentService/NotifyGatewayPayment", signature=signature, **told)
    again = desk.call(None, "PaymentService/NotifyGatewayPayment", signature=signature, **told)
    forged = desk.refused(None, "PaymentService/NotifyGatewayPayment", signature=signature,
                          **{**told, "body": body.replace(b"750000", b"950000")})
    silent = desk.call("siti", "AccountService/GetAccount", account_id=who["account_id"]).account.silent_until_on
    debt, _ = desk.balance(who["account_id"])
    holds = first.payment_id == again.payment_id != "" and debt == int(who["open_minor"]) - 75_000_000
    return holds and forged == "GATEWAY_SIGNATURE" and silent > str(desk.today()), \
        f"750 000 to {who['account_no']}, silent until {silent}; told twice: once; another amount: {forged}"


@story("day", "more than is owed: the rest is the customer's credit, in advance (R-ALL-4)")
def paid_in_advance(desk):
    who = desk.debtor()
    rupiah = int(who["open_minor"]) // 100 + 250_000
    desk.pay(who["account_id"], rupiah, "PAYMENT_SOURCE_BRANCH", login="kartika")
    debt, credit = desk.balance(who["account_id"])
    desk.kept["credit"] = who["account_id"], credit
    return debt < 100 and credit >= 25_000_000 - 100, f"paid {money(rupiah * 100)}: debt {money(debt)}, credit {money(credit)}"


@story("day", "credit is given back when a second person agrees (R-PAY-6)")
def refund(desk):
    account, credit = desk.kept["credit"]
    proposal = desk.propose("siti", "AdjustmentService/RefundCredit", account_id=account, amount=idr(100_000),
                            reason="asked for it at the counter")
    etag = desk.call("siti", "ApprovalService/GetProposal", proposal_id=proposal).proposal.etag
    own = desk.refused("siti", "ApprovalService/DecideProposal", proposal_id=proposal, approve=True, reason="mine",
                       request_id=new_id(), etag=etag)
    desk.decide("rahmat", proposal)
    _, left = desk.balance(account)
    return left == credit - 10_000_000 and own == "PROPOSAL_OWN", f"100 000 of {money(credit)}; deciding her own proposal: {own}"


@story("day", "a settlement at a discount: paid in time, the rest is waived and the debt is over (R-WAI-1)")
def settled_at_a_discount(desk):
    who = desk.debtor(2_000_000)
    parts = desk.db.row("select fees_minor, penalty_minor, interest_minor, principal_minor from account_state where account_id = "
                        f"'{who['account_id']}'")
    waived = {k: int(parts[k]) for k in ("penalty_minor", "interest_minor")}
    owed, gift = int(who["open_minor"]), sum(waived.values())
    offer = desk.propose("siti", "OfferService/OfferSettlement", account_id=who["account_id"], waived=waived,
                         sum={"minor": owed - gift, "currency": "IDR"}, by_on=str(desk.today() + timedelta(days=7)),
                         creditor_bears=True, reason="pays the principal at once")
    desk.decide("rahmat", offer)
    desk.call("kartika", "PaymentService/PostPayment", account_id=who["account_id"], source="PAYMENT_SOURCE_BRANCH",
              source_reference="COUNTER-OFFER-1", amount={"minor": owed - gift, "currency": "IDR"}, value_us=desk.now_us())
    state = desk.name("siti", "OfferService/GetOffer", "offer", offer_id=offer)
    debt, credit = desk.balance(who["account_id"])
    return state == "FULFILLED" and debt == credit == 0, f"{money(owed)} = {money(owed - gift)} paid + {money(gift)} waived; debt {debt}"


@story("day", "money of nobody waits in suspense; its note says whose it may be; two people release it (R-PAY-2)")
def suspense(desk):
    who = desk.debtor()
    number = who["account_no"]
    desk.call("kartika", "SuspenseService/ReceiveSuspense", source="PAYMENT_SOURCE_BANK", source_reference="BANK-77",
              amount=idr(300_000), value_us=desk.now_us() - 3_600_000_000, payer="SRI W", note=f"cicilan {number}")
    waited = -desk.ledger(SUSPENSE)
    item = next(i for i in desk.call("kartika", "SuspenseService/ListSuspense", page_size=200).items if i.source_reference == "BANK-77")
    found = bool(item.matches) and item.matches[0].account_id == who["account_id"]
    desk.decide("siti", desk.propose("kartika", "SuspenseService/ReleaseSuspense", item_id=item.item_id, account_id=who["account_id"],
                                     reason="the note names the account"))
    debt, _ = desk.balance(who["account_id"])
    left = -desk.ledger(SUSPENSE)
    return found and debt == int(who["open_minor"]) - 30_000_000 and waited - left == 30_000_000, \
        f"300 000 to {number}, {money(debt)} still owed; in suspense {money(waited)} before, {money(left)} after"


@story("day", "a payment gets the tag LAWYER by two people: its bonus is halved, no money moves (R-TAG-1, J36)")
def retag(desk):
    rows = desk.db.rows("""select p.payment_id, b.amount_minor from payment p join bonus_line b using (agency_id, payment_id)
        where p.source = 1 and p.tender = 1 and b.amount_minor > 1000000 and not exists (
            select from payment_reversal r where r.payment_id = p.payment_id) order by b.amount_minor desc, p.payment_id limit 1""")
    if not rows:
        return None
    payment, earned = rows[0]["payment_id"], int(rows[0]["amount_minor"])
    lines = desk.db.number("select count(*) from ledger_line where ledger_account <> 21 and ledger_account <> 26")
    etag = desk.call("siti", "PaymentService/GetPayment", payment_id=payment).payment.etag
    desk.decide("rahmat", desk.propose("siti", "PaymentService/RetagPayment", payment_id=payment, tag="PAYMENT_TAG_LAWYER", etag=etag,
                                       reason="the lawyer's letter brought it"))
    now = desk.db.number(f"select sum(amount_minor) from bonus_line where payment_id = '{payment}'")
    moved = desk.db.number("select count(*) from ledger_line where ledger_account <> 21 and ledger_account <> 26") - lines
    return abs(2 * now - earned) <= 2 and moved == 0, f"bonus {money(earned)} before, {money(now)} after; {moved} other ledger lines"


@story("bank", "a branch's file pays promises: a bad row comes back, an unknown account waits, sent twice it is one (R-IMP-2)")
def payment_file(desk):
    promised = desk.db.rows(f"""select a.account_no, p.amount_minor from promise_state s join promise p using (agency_id, promise_id)
        join account a on a.agency_id = p.agency_id and a.account_id = p.account_id
        where s.state = 1 and p.plan_id is null and s.due_on > '{desk.today()}' and p.amount_minor >= 10000000 order by a.account_no limit 9""")
    day = desk.today()
    # every third one pays half of what he promised
    rows = [(p["account_no"], f"BR-{i}", int(p["amount_minor"]) // (200 if i % 3 == 2 else 100), day) for i, p in enumerate(promised)]
    whole = sum(row[2] for row in rows)
    good = len(rows)
    rows += [(promised[0]["account_no"] if promised else "A1", "BR-BAD", -5, day), ("NOBODY-9", "BR-LOST", 120_000, day),
             ("#TOTAL", good + 2, whole + 120_000 - 5, "")]
    path = desk.file("branch.csv", ("account_no", "reference", "amount", "paid_at"), rows)
    first = desk.results("import-payments", "--source", "BRANCH", path, good=(3,))
    with open(f"{path}.rejects.csv", newline="", encoding="utf-8") as file:
        rejects = [r["reason"] for r in csv.DictReader(file)]
    again = desk.results("import-payments", "--source", "BRANCH", path, good=(3,))
    posted = {"POSTED": good} if good else {}
    holds = first == {**posted, "SUSPENSE": 1, "money.negative": 1} and rejects == ["money.negative"]
    holds = holds and again == {"SAME": good + 1, "money.negative": 1}
    return holds, f"{told(first)}; {money(whole * 100)} posted; again: {told(again)}"


def told(results):
    return ", ".join(f"{n} {name}" for name, n in results.items())
