# SPDX-License-Identifier: Apache-2.0
"""The office after the field day: what else happens to money, by calls through the edge, each step one line with its
figures. A story answers (holds, figures), as a check does; what stands in brackets is the rule it shows."""
import time
import uuid
from datetime import timedelta, timezone

import grpc
import reflected
from field_tables import grouped, money, percent, table

STORIES = {"day": [], "weeks": [], "close": []}


def story(part, name):
    def add(function):
        STORIES[part].append((name, function))
        return function
    return add


class Refused(Exception):
    """A call was refused: its message is the stable token."""


class Office:
    """People of the office with their tokens, the database to look at, and a clock to read."""

    kept = {}  # what one story leaves for a later one, also of another part

    def __init__(self, target, ca, password, db, now, tagihd, month):
        with open(ca, "rb") as roots:
            channel = grpc.secure_channel(target, grpc.ssl_channel_credentials(roots.read()))
        for _ in range(200):  # nginx is there before the server
            try:
                grpc.channel_ready_future(channel).result(timeout=10)
                self.caller = reflected.Caller(channel)
                break
            except grpc.RpcError:
                time.sleep(0.05)
        self.db, self.now, self.password, self.tokens = db, now, password, {}
        self.tagihd, self.month = tagihd, month  # the command line; the month of the field day, YYYY-MM

    def call(self, login, path, **fields):
        try:
            if login not in self.tokens:
                answer = self.caller.call("SessionService/Login", login=login, password=self.password)
                self.tokens[login] = answer.tokens.access_token
            return self.caller.call(path, self.tokens[login], **fields)
        except grpc.RpcError as error:
            raise Refused(f"{path}: {reflected.reason_of(error)}: {error.details()}") from error

    def refused(self, login, path, **fields):
        """The stable token with which a call is refused; "" when it is not."""
        try:
            self.call(login, path, **fields)
        except Refused as refusal:
            return str(refusal).split(": ")[1]
        return ""

    def propose(self, maker, path, **fields):
        return self.call(maker, path, request_id=new_id(), **fields).proposal_id

    def decide(self, checker, proposal, approve=True):
        etag = self.call(checker, "ApprovalService/GetProposal", proposal_id=proposal).proposal.etag
        return self.call(checker, "ApprovalService/DecideProposal", proposal_id=proposal, approve=approve, etag=etag,
                         reason="looked at the papers", request_id=new_id()).proposal

    def now_us(self):
        return int(self.now().timestamp() * 1_000_000)

    def pay(self, account, rupiah, source="PAYMENT_SOURCE_GATEWAY", reference=None, login="gateway", **fields):
        fields.setdefault("value_us", self.now_us() - 60_000_000)
        return self.call(login, "PaymentService/PostPayment", account_id=account, source=source,
                         source_reference=reference or f"REF-{uuid.uuid4()}", amount=idr(rupiah), **fields)

    def reverse(self, login, payment, reason):
        etag = self.call(login, "PaymentService/GetPayment", payment_id=payment).payment.etag
        return self.call(login, "PaymentService/ReversePayment", payment_id=payment, reason=f"REVERSAL_REASON_{reason}",
                         request_id=new_id(), etag=etag).payment

    # ---- looking ---------------------------------------------------------------------------------------------------

    def debtor(self, owed_from=1_000_000, quiet=True):
        """An account that owes something, is worked by somebody and was not used by another story."""
        used = ", ".join(f"'{a}'" for a in self.kept.get("used", ())) or "null"
        paid = "and not exists (select from payment p where p.account_id = s.account_id)" if quiet else ""
        row = self.db.row(f"""select s.account_id, s.collector_id,
                s.fees_minor + s.penalty_minor + s.interest_minor + s.principal_minor as open_minor
            from account_state s where s.status = 3 and s.collector_id is not null and s.credit_minor = 0
              and s.fees_minor + s.penalty_minor + s.interest_minor + s.principal_minor >= {owed_from * 100}
              and (s.account_id in ({used})) is not true {paid}
            order by s.account_id limit 1""")
        self.kept.setdefault("used", []).append(row["account_id"])
        return row

    def wait_for(self, sql, wanted, seconds=20):
        """What the server does by itself once a minute, at once after its start."""
        until = time.monotonic() + seconds
        while self.db.number(sql) != wanted and time.monotonic() < until:
            time.sleep(0.2)

    def login_of(self, user):
        return self.db.row(f"select login from staff where user_id = '{user}'")["login"]

    def balance(self, account):
        row = self.db.row(f"""select fees_minor + penalty_minor + interest_minor + principal_minor as debt, credit_minor
            from account_state where account_id = '{account}'""")
        return int(row["debt"]), int(row["credit_minor"])

    def ledger(self, number, owner=None):
        """Balance of a ledger account (include/tagih/ledger.h), debit positive."""
        whose = f" and owner_id = '{owner}'" if owner else ""
        return self.db.number(f"select coalesce(sum(amount_minor), 0) from ledger_line where ledger_account = {number}{whose}")


CASH_HELD, CHEQUES_IN_COLLECTION, VAULT, DEPOSIT_IN_TRANSIT, COLLECTOR_RECEIVABLE, SUSPENSE = 5, 7, 9, 10, 12, 18


def new_id():
    return str(uuid.uuid4())


def idr(rupiah):
    return {"minor": rupiah * 100, "currency": "IDR"}


# ---- the evening ---------------------------------------------------------------------------------------------------


@story("day", "a gateway payment in part, and again: one payment (R-PAY-5)")
def gateway_in_part(office):
    who = office.debtor()
    half = int(who["open_minor"]) // 200
    first = office.pay(who["account_id"], half, reference="GW-2026-1").payment
    again = office.pay(who["account_id"], half, reference="GW-2026-1", value_us=first.value_us).payment
    other = office.refused("gateway", "PaymentService/PostPayment", account_id=who["account_id"], source="PAYMENT_SOURCE_GATEWAY",
                           source_reference="GW-2026-1", amount=idr(half + 1), value_us=first.value_us)
    debt, _ = office.balance(who["account_id"])
    holds = first.payment_id == again.payment_id and debt == int(who["open_minor"]) - half * 100 and other == "PAYMENT_IDENTITY_REUSED"
    return holds, f"{money(half * 100)} of {money(who['open_minor'])}; the same reference with another amount: {other}"


@story("day", "more than is owed: the rest is the customer's credit, in advance (R-ALL-4)")
def paid_in_advance(office):
    who = office.debtor()
    rupiah = int(who["open_minor"]) // 100 + 250_000
    office.pay(who["account_id"], rupiah, "PAYMENT_SOURCE_BRANCH", login="kartika")
    debt, credit = office.balance(who["account_id"])
    office.kept["credit"] = who["account_id"], credit
    return debt < 100 and credit >= 25_000_000 - 100, f"debt {money(debt)}, credit {money(credit)}"


@story("day", "credit is given back when a second person agrees (R-PAY-6)")
def refund(office):
    account, credit = office.kept["credit"]
    proposal = office.propose("siti", "AdjustmentService/RefundCredit", account_id=account,
                              amount={"minor": 10_000_000, "currency": "IDR"}, reason="asked for it at the counter")
    own = office.refused("siti", "ApprovalService/DecideProposal", proposal_id=proposal, approve=True, reason="mine",
                         request_id=new_id(),
                         etag=office.call("siti", "ApprovalService/GetProposal", proposal_id=proposal).proposal.etag)
    office.decide("rahmat", proposal)
    _, left = office.balance(account)
    return left == credit - 10_000_000 and bool(own), f"100 000 of {money(credit)} at the counter; deciding her own: {own}"


@story("day", "money of nobody waits in suspense; its note says whose it may be (R-PAY-2)")
def suspense(office):
    who = office.debtor()
    number = office.db.row(f"select account_no from account where account_id = '{who['account_id']}'")["account_no"]
    office.call("kartika", "SuspenseService/ReceiveSuspense", source="PAYMENT_SOURCE_BANK", source_reference="BANK-77",
                amount=idr(300_000), value_us=office.now_us() - 3_600_000_000, payer="SRI W", note=f"cicilan {number}")
    items = office.call("kartika", "SuspenseService/ListSuspense").items
    item = next(i for i in items if i.source_reference == "BANK-77")
    hint = item.matches[0] if item.matches else None
    found = hint is not None and hint.account_id == who["account_id"]
    proposal = office.propose("kartika", "SuspenseService/ReleaseSuspense", item_id=item.item_id, account_id=who["account_id"],
                              reason="the note names the account")
    office.decide("siti", proposal)
    debt, _ = office.balance(who["account_id"])
    waits = office.db.number("select coalesce(sum(i.amount_minor), 0) from suspense i join suspense_state s using"
                             " (agency_id, item_id) where s.state = 2")
    holds = found and debt == int(who["open_minor"]) - 30_000_000 and -office.ledger(SUSPENSE) == waits
    return holds, f"300 000 released to {number}; {money(waits)} still waits, as the ledger says"


NOTES = (100_000, 50_000, 20_000, 10_000, 5_000, 2_000, 1_000, 500, 200, 100, 50)


def pieces(rupiah):
    """Notes and coins that make a sum, as few as there can be."""
    out = []
    for value in NOTES:
        if rupiah >= value:
            out.append({"value_minor": value * 100, "pieces": rupiah // value})
            rupiah %= value
    return out


def count(office, settlement, rupiah, login="kartika"):
    return office.call(login, "CashService/CountSettlement", settlement_id=settlement.settlement_id, pieces=pieces(rupiah),
                       counted=idr(rupiah), request_id=new_id(), etag=settlement.etag).settlement


@story("day", "the cashier counts every bag; one is 200 000 short, and is owed by its collector (R-CSH-2, J12)")
def cash_counted(office):
    bags = office.call("kartika", "CashService/ListSettlements", state="SETTLEMENT_STATE_DECLARED", page_size=200).settlements
    held = office.ledger(CASH_HELD)
    largest = max(bags, key=lambda b: b.expected.minor)
    own = office.refused(office.login_of(largest.collector_id), "CashService/CountSettlement", settlement_id=largest.settlement_id,
                         pieces=pieces(50), counted=idr(50), request_id=new_id(), etag=largest.etag)
    counted = []
    for bag in bags:
        rupiah = bag.expected.minor // 100 - (200_000 if bag is largest else 0)
        done = count(office, bag, rupiah)
        answer = office.call("kartika", "CashService/AcceptSettlement", settlement_id=done.settlement_id, request_id=new_id(),
                             etag=done.etag, reason="counted twice")
        if answer.proposal_id:  # a gap before its last entry: a supervisor looks
            office.decide("siti", answer.proposal_id)
        counted.append((bag.settlement_id, rupiah))
    office.kept["counted"] = counted
    short, vault = office.ledger(COLLECTOR_RECEIVABLE), office.ledger(VAULT)
    holds = short == 20_000_000 and held - office.ledger(CASH_HELD) == vault + short and bool(own)
    return holds, f"{len(bags)} bags, {money(vault)} in the vault, {money(short)} short; counting his own: {own}"


@story("day", "the vault goes to the bank, and the shortage is repaid in part (R-CSH-2, J13, J15)")
def cash_deposited(office):
    bags = office.kept["counted"][:100]
    whole = sum(rupiah for _, rupiah in bags)
    office.call("kartika", "CashService/DepositCash", amount=idr(whole), bank_reference="DEP-1",
                settlement_ids=[settlement for settlement, _ in bags], request_id=new_id())
    shortage = office.call("kartika", "CashService/ListShortages").shortages[0]
    office.call("kartika", "CashService/RepayShortage", shortage_id=shortage.shortage_id, amount=idr(50_000), request_id=new_id(),
                etag=shortage.etag)
    short, transit = office.ledger(COLLECTOR_RECEIVABLE), office.ledger(DEPOSIT_IN_TRANSIT)
    return short == 15_000_000 and transit >= whole * 100, f"{money(transit)} on its way, {money(short)} still owed"


@story("day", "a cheque is handed in and bounces: debt, bonus and the bank's fee go back (R-PAY-4, J9, J10)")
def cheque_bounced(office):
    r = office.db.rows("""select p.payment_id, p.collector_id, p.account_id, p.amount_minor from payment p where p.tender = 4 and not exists (
        select from payment_reversal r where r.payment_id = p.payment_id) order by p.amount_minor, p.payment_id limit 1""")
    if not r:
        return True, "no debtor paid by cheque this day"
    cheque = r[0]
    before = office.balance(cheque["account_id"])
    office.call("kartika", "ChequeService/HandInCheques", collector_id=cheque["collector_id"], payment_ids=[cheque["payment_id"]],
                request_id=new_id())
    sent = office.ledger(CHEQUES_IN_COLLECTION)
    etag = office.call("kartika", "PaymentService/GetPayment", payment_id=cheque["payment_id"]).payment.etag
    office.call("siti", "ChequeService/BounceCheque", payment_id=cheque["payment_id"], etag=etag, fee=idr(50_000),
                reason="no funds", request_id=new_id())
    earned = office.db.number(f"select sum(amount_minor) from bonus_line where payment_id = '{cheque['payment_id']}'")
    after = office.balance(cheque["account_id"])
    back = after[0] - before[0] + before[1] - after[1]
    holds = back == int(cheque["amount_minor"]) and earned == 0 and sent - office.ledger(CHEQUES_IN_COLLECTION) == back
    return holds, f"{money(back)} owed again, bonus of it 0, fee 50 000"


@story("day", "a payment gets the tag LAWYER by two people: its bonus is halved, no money moves (R-TAG-1, J36)")
def retag(office):
    r = office.db.row("""select p.payment_id, b.amount_minor from payment p join bonus_line b using (agency_id, payment_id)
        where p.source = 1 and p.tender = 1 and b.amount_minor > 10000000 and not exists (
            select from payment_reversal r where r.payment_id = p.payment_id) order by b.amount_minor, p.payment_id limit 1""")
    etag = office.call("siti", "PaymentService/GetPayment", payment_id=r["payment_id"]).payment.etag
    proposal = office.propose("siti", "PaymentService/RetagPayment", payment_id=r["payment_id"], tag="PAYMENT_TAG_LAWYER", etag=etag,
                              reason="the lawyer's letter brought it")
    office.decide("rahmat", proposal)
    now = office.db.number(f"select sum(amount_minor) from bonus_line where payment_id = '{r['payment_id']}'")
    return abs(2 * now - int(r["amount_minor"])) <= 2, f"bonus {money(r['amount_minor'])}, now {money(now)}"


@story("day", "a plan of three instalments, the first paid on the spot: one transaction (R-PTP-3)")
def plan_made(office):
    who = office.debtor(3_000_000)
    third = int(who["open_minor"]) // 300
    today = office.now().astimezone(timezone(timedelta(hours=7))).date()
    dates = [today, today + timedelta(days=7), today + timedelta(days=14)]
    answer = office.call("kartika", "PlanService/CreatePlanWithPayment", plan={
        "account_id": who["account_id"], "currency": "IDR", "reason": "came to the counter", "starts_on": str(today),
        "instalments": [{"due_on": str(d), "amount_minor": third * 100} for d in dates], "request_id": new_id()},
        source="PAYMENT_SOURCE_BRANCH", source_reference="COUNTER-PLAN-1", amount_minor=third * 100, request_id=new_id())
    office.decide("siti", answer.proposal_id)
    plan = office.call("siti", "PlanService/GetPlan", plan_id=answer.plan.plan_id).plan
    office.kept["plan"] = plan.plan_id
    states = [i.state for i in plan.instalments]
    return plan.state == 3 and states[0] == 3 and set(states[1:]) == {1}, f"3 x {money(third * 100)}; paid, open, open"


# ---- weeks later ---------------------------------------------------------------------------------------------------


@story("weeks", "promises are kept or broken as the money says, with no one asking (R-PTP-2)")
def promises(office):
    office.wait_for("select count(*) from promise_state where state = 1 and closes_us < "
                    f"{office.now_us()}", 0)
    rows = {r["state"]: int(r["n"]) for r in office.db.rows("select state, count(*) as n from promise_state group by 1")}
    told = office.db.number("select count(*) from promise_reminder")
    names = {"1": "open", "2": "kept", "3": "partial", "4": "broken", "5": "superseded", "6": "withdrawn", "7": "lapsed"}
    return rows.get("4", 0) > 0, ", ".join(f"{n} {names.get(s, s)}" for s, n in sorted(rows.items())) + f"; {told} reminders"


@story("weeks", "a plan whose instalment was not paid in time is broken (R-PTP-3)")
def plan_broken(office):
    plan = office.call("siti", "PlanService/GetPlan", plan_id=office.kept["plan"]).plan
    return plan.state == 5, f"instalments {[i.state for i in plan.instalments]} (3 is paid), plan state {plan.state} (5 is broken)"


@story("weeks", "the day's run closes what is paid and warns holders before their hold ends (R-LIF-1, R-LIF-5)")
def day_run(office):
    owing = office.db.number("""select count(*) from account_state where status = 3 and credit_minor >= 0 and
        fees_minor + penalty_minor + interest_minor + principal_minor = 0""")
    office.tagihd("lifecycle", "run-day", "--agency", office.agency)
    closed = office.db.number("select count(*) from account_state where status = 10")
    warned = office.db.number("select count(*) from account_event where kind = 'TAKEOVER_WARNING'")
    return closed > 0 and closed <= owing, f"{closed} of {owing} accounts without debt closed as paid, {warned} warnings"


# ---- the month's close ---------------------------------------------------------------------------------------------


@story("close", "the month closes, proposed and approved by two (R-CLS-1, R-BON-7)")
def month_close(office):
    def close(approved_by, good=(0,)):
        return office.tagihd("month", "close", "--agency", office.agency, "--month", office.month, "--made-by", "siti",
                             "--approved-by", approved_by, good=good)

    close("siti", good=(1, 2))
    open_still = office.db.number("select count(*) from month_close") == 0
    close("rahmat")
    closed = office.call("siti", "MonthService/GetMonth", month=office.month)
    again = close("rahmat")
    ups = office.db.number("select count(*) from bonus_line where kind = 5")
    left = office.db.number("select count(*) from posting where posting_on > (select max(month_on) + interval '1 month - 1 day'"
                            " from month_close) and kind = 1")
    holds = open_still and closed.closed and closed.payments > 0 and ups == closed.true_ups and "already" in again and left == 0
    return holds, (f"{grouped(closed.payments)} payments, {closed.true_ups} TRUE_UP lines of {money(closed.true_up.minor)} in all; "
                   f"closing again: already")


@story("close", "the month's bonus is what the whole month earns, no more than 9 % of its base (R-BON-7)")
def month_bonus(office):
    r = office.db.row(f"""select sum(amount_minor) as bonus, sum(base_minor) filter (where kind in (1, 2, 4)) as base
        from bonus_line where month_on = '{office.month}-01'""")
    bonus, base = int(r["bonus"]), int(r["base"])
    return 0 <= bonus <= base * 9 // 100, f"{money(bonus)} on {money(base)}: {bonus * 10000 // base / 100:.2f} %"


@story("close", "a payment is taken back after the close: CLAWBACK in the open month (R-BON-5, R-ALL-7)")
def clawback(office):
    r = office.db.row("""select p.payment_id, sum(b.amount_minor) as earned from payment p join bonus_line b using (agency_id, payment_id)
        where p.source = 1 and p.tender in (2, 3) and b.amount_minor > 0 and not exists (
            select from payment_reversal r where r.payment_id = p.payment_id) group by 1 order by 2 desc, 1 limit 1""")
    office.reverse("siti", r["payment_id"], "NEVER_RECEIVED")
    line = office.db.row(f"""select kind, amount_minor, month_on from bonus_line where payment_id = '{r['payment_id']}'
        order by line_no desc limit 1""")
    posting = office.db.row(f"select value_on, posting_on from posting where trigger_id = '{r['payment_id']}' and kind = 2")
    holds = line["kind"] == "3" and not line["month_on"].startswith(office.month)
    holds = holds and posting["value_on"].startswith(office.month) and not posting["posting_on"].startswith(office.month)
    return holds, f"{money(line['amount_minor'])} in {line['month_on'][:7]}; valued {posting['value_on']}, booked {posting['posting_on']}"


def kpi_table(office):
    """The snapshot by collector; `tagihd kpi show` has it by load type and bucket as well."""
    rows, total = [], None
    for r in office.db.rows(f"""select s.login, sum(k.assigned_accounts) as accounts, sum(k.assigned_minor) as assigned,
            sum(k.net_field_cash_minor + k.net_field_transfer_minor + k.net_branch_minor + k.net_gateway_minor) as net,
            sum(k.visits_done) as done, sum(k.visits_contact) as contact, sum(k.promises_made) as promises,
            sum(k.receipts) as receipts, sum(k.voids) as voids, sum(k.bonus_minor) as bonus
        from kpi_row k join staff s on s.agency_id = k.agency_id and s.user_id = k.collector_id
        where k.month_on = '{office.month}-01' and k.version = 1 group by rollup (s.login) order by s.login nulls last"""):
        done = int(r["done"])
        cells = [r["login"] or "all", grouped(r["accounts"]), money(r["assigned"]), money(r["net"]), str(done),
                 percent(int(r["contact"]), done), r["promises"], r["receipts"], r["voids"], money(int(r["bonus"]) // 100 * 100)]
        if r["login"]:
            rows.append(cells)
        else:
            total = cells
    head = ["collector", "accounts", "assigned", "net", "visits", "contact", "promises", "receipts", "voids", "bonus"]
    return table(f"KPI OF {office.month}, KNOWN AT ITS CLOSE, IDR", head, rows, total)


@story("close", "figures of the month: the same digest however often they are asked for (R-KPI-1)")
def kpi(office):
    digest = office.db.number("select count(distinct digest) from kpi_snapshot")
    print("\n" + "\n".join(kpi_table(office)) + "\n")
    office.tagihd("kpi", "generate-monthly", "--agency", office.agency, "--month", office.month)
    first = office.tagihd("kpi", "generate-monthly", "--agency", office.agency, "--month", office.month)
    versions = office.db.number("select count(*) from kpi_snapshot")
    return versions >= digest and bool(first), f"{versions} versions: known then, and true now with what was taken back"


@story("close", "tagihd verify: every signature, digest, chain and balance worked out again from the facts")
def verified(office):
    said = office.tagihd("verify", "--agency", office.agency, good=(0, 1)).strip().splitlines()
    for line in said[:-1][:20]:  # a difference a line; no difference: the last line alone
        print("        " + line)
    return bool(said) and " 0 differences" in said[-1], said[-1] if said else "it said nothing"


def run(part, office):
    """Tell a part's stories; how many held, and how many did not."""
    passed = failed = 0
    for name, function in STORIES[part]:
        try:
            holds, figures = function(office)
        except (Refused, RuntimeError, KeyError, IndexError, ValueError, StopIteration) as error:
            holds, figures = False, f"{type(error).__name__}: {str(error).splitlines()[0]}"
        print(f"{'ok    ' if holds else 'FAILED'}  {name}\n        {figures[:92]}", flush=True)
        passed, failed = passed + bool(holds), failed + (not holds)
    return passed, failed
