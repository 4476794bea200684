# SPDX-License-Identifier: Apache-2.0
"""The office after the field day: what else happens to money, by calls through the edge, each step one line with its
figures. A story answers (holds, figures), as a check does; what stands in brackets is the rule it shows."""
import time
import uuid
from datetime import timedelta

import grpc
import reflected
from field_tables import grouped, money

STORIES = {"day": [], "weeks": [], "close": [], "after": []}


def story(part, name):
    def add(function):
        STORIES[part].append((name, function))
        return function
    return add


class Refused(Exception):
    """A call was refused: its message is the stable token."""


class Office:
    """People of the office with their tokens, the database to look at, and a clock to read."""

    def __init__(self, target, ca, password, db, now):
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
        self.kept = {}  # what one story leaves for a later one

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

    def balance(self, account):
        row = self.db.row(f"""select fees_minor + penalty_minor + interest_minor + principal_minor as debt, credit_minor
            from account_state where account_id = '{account}'""")
        return int(row["debt"]), int(row["credit_minor"])

    def ledger(self, number, owner=None):
        """Balance of a ledger account (include/tagih/ledger.h), debit positive."""
        whose = f" and owner_id = '{owner}'" if owner else ""
        return self.db.number(f"select coalesce(sum(amount_minor), 0) from ledger_line where ledger_account = {number}{whose}")


CASH_HELD, CHEQUES_IN_HAND, CHEQUES_IN_COLLECTION, VAULT, BANK, COLLECTOR_RECEIVABLE, SUSPENSE = 5, 6, 7, 9, 11, 12, 18


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


__all__ = ["Office", "run", "grouped", "timedelta"]
