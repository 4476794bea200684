# SPDX-License-Identifier: Apache-2.0
"""A desk of the office: people with their tokens, calls through the edge, the command line, and the database to look at."""
import time
import uuid
from datetime import timedelta, timezone

import grpc
import reflected
from stories import Refused

JAKARTA = timezone(timedelta(hours=7))

# Ledger accounts, as include/tagih/ledger.h numbers them.
CASH_HELD, CHEQUES_IN_COLLECTION, TRANSFER_CLEARING, VAULT, DEPOSIT_IN_TRANSIT = 5, 7, 8, 9, 10
BANK, COLLECTOR_RECEIVABLE, RECOVERABLE_COSTS, AUCTION_CLEARING, CREDITOR_CONTROL = 11, 12, 13, 15, 16
SUSPENSE, BONUS_PAYABLE, SALE_PROCEEDS, SURPLUS_OWED = 18, 21, 24, 25


class Desk:
    """People of the office with their tokens, the database to look at, and a clock to read."""

    kept = {}  # what one story leaves for a later one, also of another part

    def __init__(self, demo, ca):
        with open(ca, "rb") as roots:
            channel = grpc.secure_channel(demo.target, grpc.ssl_channel_credentials(roots.read()))
        for _ in range(200):  # nginx is there before the server
            try:
                grpc.channel_ready_future(channel).result(timeout=5)
                self.caller = reflected.Caller(channel)
                break
            except (grpc.RpcError, grpc.FutureTimeoutError):
                demo.must_be_served()
                time.sleep(0.05)
        self.db, self.now, self.password, self.tokens = demo.db, demo.simulated_now, demo.password, {}
        self.tagihd, self.must_be_whole = demo.tagihd, demo.must_be_whole
        self.agency, self.month = demo.agency, demo.day.strftime("%Y-%m")
        self.folder = demo.folder  # for files to import

    def call(self, login, path, **fields):
        try:
            if login and login not in self.tokens:
                answer = self.caller.call("SessionService/Login", login=login, password=self.password)
                self.tokens[login] = answer.tokens.access_token
            return self.caller.call(path, self.tokens.get(login), **fields)
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

    def run(self, *words, good=(0,)):
        """A command of the agency; what it prints."""
        return self.tagihd(*words[:1], "--agency", self.agency, *words[1:], good=good)

    def results(self, *words, good=(0,)):
        """What became of a file's rows, as an import's table says: result → rows."""
        lines = self.run(*words, good=good).split("\n\n")[1].splitlines()[1:]
        return {line.split()[0]: int(line.split()[1]) for line in lines}

    @staticmethod
    def enum(message, field):
        """An enum field's value without the prefix that all values of its enum share."""
        kind = message.DESCRIPTOR.fields_by_name[field].enum_type
        common = kind.values_by_number[0].name.removesuffix("UNSPECIFIED")
        return kind.values_by_number[getattr(message, field)].name.removeprefix(common)

    def name(self, login, path, part, **fields):
        """The state of what a call answers."""
        return self.enum(getattr(self.call(login, path, **fields), part), "state")

    def file(self, name, head, rows):
        path = self.folder / name
        path.write_text("".join(",".join(map(str, row)) + "\n" for row in [head, *rows]), encoding="utf-8")
        return path

    def today(self):
        return self.now().astimezone(JAKARTA).date()

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
        """An account that owes something, if possible one that somebody works, and was not used by another story."""
        used = ", ".join(f"'{a}'" for a in self.kept.get("used", ())) or "null"
        paid = "and not exists (select from payment p where p.account_id = s.account_id)" if quiet else ""
        row = self.db.row(f"""select s.account_id, s.collector_id, a.account_no,
                s.fees_minor + s.penalty_minor + s.interest_minor + s.principal_minor as open_minor
            from account_state s join account a using (agency_id, account_id)
            where s.status in (2, 3) and s.credit_minor = 0
              and s.fees_minor + s.penalty_minor + s.interest_minor + s.principal_minor >= {owed_from * 100}
              and (s.account_id in ({used})) is not true {paid}
            order by s.collector_id is null, a.account_no limit 1""")
        self.kept.setdefault("used", []).append(row["account_id"])
        return row

    def wait_for(self, sql, wanted, seconds=20):
        """What the server does by itself once a minute, at once after its start."""
        self.wait_until(f"select ({sql}) = {wanted}", seconds)

    def wait_until(self, question, seconds=20):
        """Until the database says t, or it has been asked long enough."""
        until = time.monotonic() + seconds
        while next(iter(self.db.row(question).values())) != "t" and time.monotonic() < until:
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


def new_id():
    return str(uuid.uuid4())


def idr(rupiah):
    return {"minor": rupiah * 100, "currency": "IDR"}


def decimal(minor):
    """Major units, as files have them."""
    minor = int(minor)
    return f"{'-' if minor < 0 else ''}{abs(minor) // 100}.{abs(minor) % 100:02}"
