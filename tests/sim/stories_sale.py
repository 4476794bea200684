# SPDX-License-Identifier: Apache-2.0
"""Money that is not one collector's: a bonus that two share, collateral that is sold, and what goes to the creditor."""
import hashlib
from datetime import timedelta

from desk import AUCTION_CLEARING, BANK, CREDITOR_CONTROL, RECOVERABLE_COSTS, SALE_PROCEEDS, SURPLUS_OWED, decimal, idr, new_id
from field_digests import bonus_amount
from field_tables import money
from stories import story

TOWED, HOUSE_BILL, SURPLUS = 350_000, 1_500_000, 650_000  # rupiah


@story("day", "two collectors share an account: its base by largest remainder, each part with its own factors (R-BON-8, R-BON-8a)")
def split(desk):
    two = desk.db.rows("select user_id, login from staff join staff_state using (agency_id, user_id) where roles = 1"
                       " order by user_id limit 2")
    if len(two) < 2:
        return None
    who, paid = desk.debtor(2_000_000), 1_000_001
    shares = [{"collector_id": one["user_id"], "share_bp": bp} for one, bp in zip(two, (3333, 6667))]
    desk.decide("rahmat", desk.propose("siti", "BonusService/ProposeSplit", account_id=who["account_id"], valid_from=str(desk.today()),
                                       shares=shares, reason="both work this family"))
    payment = desk.pay(who["account_id"], paid, "PAYMENT_SOURCE_LAWYER").payment.payment_id
    lines = desk.db.rows(f"select * from bonus_line where payment_id = '{payment}' order by collector_id")
    bases = [int(line["base_minor"]) for line in lines]
    # 100 000 100 x 0.3333 = 33 330 033.33 and x 0.6667 = 66 670 066.67: the one that is left over goes to the second
    holds = bases == [33_330_033, 66_670_067] and all(bonus_amount(line) == int(line["amount_minor"]) > 0 for line in lines)
    return holds, " + ".join(f"{money(base)} of {one['login']}" for base, one in zip(bases, two)) + f" = {money(paid * 100)}; bonus " + \
        " + ".join(money(line["amount_minor"]) for line in lines)


# ---- a sale of collateral ----------------------------------------------------------------------------------------------

def paper(words):
    return hashlib.sha256(words.encode()).digest()


def hammered(desk, account, lot, rupiah):
    """The asset is sold; the sale as it stands then."""
    desk.decide("rahmat", desk.propose("siti", "SaleService/RecordSale", account_id=account, asset_reference=f"AB {lot} XY",
                                       house="Balai Lelang", lot=f"LOT-{lot}", hammer=idr(rupiah), reason="the auction of today",
                                       protocol_sha256=paper(f"protocol {lot}"), sold_us=desk.now_us() - 60_000_000))
    return desk.call("siti", "SaleService/ListSales", account_id=account, page_size=1).sales[0]


def step(desk, maker, checker, path, sale, **fields):
    """A step of a sale by two people; the sale after it."""
    fresh = desk.call("siti", "SaleService/GetSale", sale_id=sale.sale_id).sale
    desk.decide(checker, desk.propose(maker, path, sale_id=sale.sale_id, etag=fresh.etag, reason="its papers are here", **fields))
    return desk.call("siti", "SaleService/GetSale", sale_id=sale.sale_id).sale


@story("day", "a tow truck's bill is no debt of its debtor: it waits for a sale, and is booked once (R-RPO-7a, J28)")
def towed(desk):
    who = desk.debtor(3_000_000)
    desk.kept["towed"] = who
    bill = {"account_id": who["account_id"], "kind": "TAKING_COST_KIND_TRANSPORT", "amount": idr(TOWED), "reference": "TOW-77",
            "evidence_sha256": paper("the truck's bill"), "value_us": desk.now_us() - 60_000_000, "reason": "brought to the yard"}
    waits, bank = desk.ledger(RECOVERABLE_COSTS, who["account_id"]), desk.ledger(BANK)
    desk.decide("siti", desk.propose("kartika", "CostService/RecordTakingCost", **bill))
    again = desk.refused("kartika", "CostService/RecordTakingCost", request_id=new_id(), **{**bill, "reference": "tow 77"})
    waits, spent = desk.ledger(RECOVERABLE_COSTS, who["account_id"]) - waits, bank - desk.ledger(BANK)
    debt, _ = desk.balance(who["account_id"])
    return waits == spent == TOWED * 100 and debt == int(who["open_minor"]) and again == "COST_SPENT", \
        f"{money(waits)} for {who['account_no']}, its debt stays {money(debt)}; the same bill again: {again}"


@story("day", "its sale: costs, taking, debt, the rest is the debtor's; a wrong bill is taken back whole (R-RPO-7, J25, J26)")
def sold(desk):
    who = desk.kept["towed"]
    owed = int(who["open_minor"])
    hammer = owed // 100 + TOWED + HOUSE_BILL + SURPLUS
    sale = hammered(desk, who["account_id"], "1201", hammer)
    wrong = step(desk, "siti", "rahmat", "SaleService/SettleSale", sale, sale_costs=idr(HOUSE_BILL // 10))  # a zero too few
    back = step(desk, "siti", "rahmat", "SaleService/TakeBackSale", sale)
    owed_again, _ = desk.balance(who["account_id"])
    right = step(desk, "siti", "rahmat", "SaleService/SettleSale", sale, sale_costs=idr(HOUSE_BILL))
    desk.kept["sale"] = right
    debt, credit = desk.balance(who["account_id"])
    shared = [right.sale_costs_minor, right.taking_costs_minor, right.debt_minor, right.surplus_minor]
    # a bill of a tenth would have left him nine tenths of it
    holds = wrong.surplus_minor == (SURPLUS + HOUSE_BILL * 9 // 10) * 100 and back.surplus_minor == 0 and owed_again == owed
    holds = holds and shared == [HOUSE_BILL * 100, TOWED * 100, owed // 100 * 100, SURPLUS * 100]
    holds = holds and debt < 100 and credit == desk.ledger(SALE_PROCEEDS) == 0
    return holds, f"{money(hammer * 100)} = {' + '.join(map(money, shared))}; debt {money(owed)} before, {money(debt)} after"


@story("day", "a sale that brings less than is owed: the rest stays a debt, and nothing is the debtor's (R-RPO-7)")
def sold_below(desk):
    who = desk.debtor(3_000_000)
    sale = hammered(desk, who["account_id"], "1202", 2_000_000)
    sale = step(desk, "siti", "rahmat", "SaleService/SettleSale", sale, sale_costs=idr(500_000))
    debt, _ = desk.balance(who["account_id"])
    holds = debt == sale.shortfall_minor == int(who["open_minor"]) - 150_000_000 and sale.surplus_minor == 0
    return holds, f"2 000 000 - 500 000 of costs pay {money(sale.debt_minor)} of {money(who['open_minor'])}; {money(debt)} still owed"


@story("bank", "the house pays its price less its bill, the debtor gets his surplus, and then it stands (R-RPO-7b, J27)")
def house_pays(desk):
    sale, bank, clearing = desk.kept["sale"], desk.ledger(BANK), desk.ledger(AUCTION_CLEARING)
    net, when = sale.hammer.minor - HOUSE_BILL * 100, desk.now_us() - 60_000_000
    step(desk, "kartika", "siti", "SaleService/ReceiveSaleProceeds", sale, amount=idr(net // 100), reference="BL-1201", value_us=when)
    paid = step(desk, "kartika", "siti", "SaleService/PaySurplus", sale, amount=idr(SURPLUS), reference="SURPLUS-1201", value_us=when)
    again = desk.refused("kartika", "SaleService/PaySurplus", sale_id=sale.sale_id, etag=paid.etag, amount=idr(1), reference="SURPLUS-1202",
                         value_us=when, reason="once more", request_id=new_id())
    back = desk.refused("siti", "SaleService/TakeBackSale", sale_id=sale.sale_id, etag=paid.etag, reason="too late", request_id=new_id())
    came, left = desk.ledger(BANK) - bank, clearing - desk.ledger(AUCTION_CLEARING)
    holds = came == net - SURPLUS * 100 and left == sale.hammer.minor and desk.ledger(SURPLUS_OWED) == 0
    holds = holds and (again, back) == ("SALE_SURPLUS", "SALE_MONEY_MOVED")
    return holds, f"{money(net)} came, {money(SURPLUS * 100)} went; one rupiah more: {again}; taking it back: {back}"


# ---- the creditor's money ----------------------------------------------------------------------------------------------

@story("after", "the creditor gets what was collected for him, never more; the bank's line confirms it (R-LED-1b, R-PAY-5, J30)")
def remitted(desk):
    still_open = desk.db.number("select sum(fees_minor + penalty_minor + interest_minor + principal_minor) from account_state")
    theirs = -desk.ledger(CREDITOR_CONTROL) - still_open
    said = desk.call("siti", "RemittanceService/ListRemittances", page_size=1).owed[0].minor
    order = {"creditor": "Bank Ibu", "reference": "RTGS-0001", "value_us": desk.now_us() - 60_000_000, "reason": "the month's"}
    more = desk.refused("kartika", "RemittanceService/RemitToCreditor", amount={"minor": theirs + 1, "currency": "IDR"},
                        request_id=new_id(), **order)
    sent = theirs // 100_000_000 * 90_000_000  # nine tenths: what the bank may still take back stays here
    desk.decide("siti", desk.propose("kartika", "RemittanceService/RemitToCreditor", amount={"minor": sent, "currency": "IDR"}, **order))
    left, bank = desk.call("siti", "RemittanceService/ListRemittances", page_size=1).owed[0].minor, desk.ledger(BANK)
    path = desk.file("remitted.csv", ("line_reference", "booked_on", "amount", "reference"),
                     [("BCA-95001", desk.today() - timedelta(days=1), decimal(-sent), "rtgs 0001")])
    shown = desk.results("import-statement", "--account", "BCA 0351", path)
    holds = said == theirs > 0 and left == theirs - sent and more == "REMITTANCE_AMOUNT"
    holds = holds and shown == {"SETTLED": 1} and bank == desk.ledger(BANK)
    return holds, f"{money(sent)} of {money(theirs)}, {money(left)} stays; a cent more than is theirs: {more}"
