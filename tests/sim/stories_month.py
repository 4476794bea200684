# SPDX-License-Identifier: Apache-2.0
"""Time passes: promises, plans and holds; the month's close, its figures, the bonus that is paid and what is taken back."""
import csv
import io
from datetime import timedelta

from desk import idr, new_id
from field_tables import grouped, money, percent, table
from stories import story


@story("day", "a plan of three instalments, the first paid on the spot: one transaction (R-PTP-3)")
def plan_made(desk):
    who = desk.debtor(3_000_000)
    third = int(who["open_minor"]) // 300
    today = desk.today()
    dates = [today, today + timedelta(days=7), today + timedelta(days=14)]
    answer = desk.call("kartika", "PlanService/CreatePlanWithPayment", plan={
        "account_id": who["account_id"], "currency": "IDR", "reason": "came to the counter", "starts_on": str(today),
        "instalments": [{"due_on": str(d), "amount_minor": third * 100} for d in dates], "request_id": new_id()},
        source="PAYMENT_SOURCE_BRANCH", source_reference="COUNTER-PLAN-1", amount_minor=third * 100, request_id=new_id())
    desk.decide("siti", answer.proposal_id)
    plan = desk.call("siti", "PlanService/GetPlan", plan_id=answer.plan.plan_id).plan
    desk.kept["plan"] = plan.plan_id
    states = [desk.enum(i, "state") for i in plan.instalments]
    return states == ["PAID", "UNPAID", "UNPAID"], f"3 x {money(third * 100)}; the plan is {desk.enum(plan, 'state')}: {', '.join(states)}"


@story("bank", "who promised for tomorrow is reminded, in the hours of contact (R-PTP-2)")
def reminded(desk):
    due = desk.db.number(f"select count(*) from promise_state where state = 1 and due_on <= '{desk.today() + timedelta(days=1)}'")
    if not due:
        return None
    desk.wait_until("select count(*) > 0 from promise_reminder")
    sent = desk.db.number("select count(*) from promise_reminder")
    return sent > 0, f"{sent} reminders; {due} promises are due by tomorrow"


@story("weeks", "promises are kept or broken as the money says, with no one asking (R-PTP-2)")
def promises(desk):
    desk.wait_for(f"select count(*) from promise_state where state = 1 and closes_us < {desk.now_us()}", 0)
    rows = {r["state"]: int(r["n"]) for r in desk.db.rows("select state, count(*) as n from promise_state group by 1")}
    if not rows:
        return None
    names = {"1": "open", "2": "kept", "3": "kept in part", "4": "broken", "5": "superseded", "6": "withdrawn", "7": "lapsed"}
    told = ", ".join(f"{n} {names[s]}" for s, n in sorted(rows.items()))
    late = desk.db.number(f"select count(*) from promise_state where state = 1 and closes_us < {desk.now_us()}")
    return late == 0, f"{sum(rows.values())} promises: {told}"


@story("weeks", "a plan whose instalment was not paid in time is broken (R-PTP-3)")
def plan_broken(desk):
    plan = desk.call("siti", "PlanService/GetPlan", plan_id=desk.kept["plan"]).plan
    states = ", ".join(desk.enum(i, "state") for i in plan.instalments)
    return desk.enum(plan, "state") == "BROKEN", f"the plan is {desk.enum(plan, 'state')}; its instalments: {states}"


@story("weeks", "the day's run closes what is paid or settled, and warns holders before their hold ends (R-LIF-1, R-LIF-5)")
def day_run(desk):
    without_debt = desk.db.number("""select count(*) from account_state where status = 3 and
        fees_minor + penalty_minor + interest_minor + principal_minor = 0""")
    desk.run("lifecycle", "run-day")
    closed = desk.db.number("select count(*) from account_state where status = 10")
    warned = desk.db.number("select count(*) from account_event where kind = 'TAKEOVER_WARNING'")
    return (closed > 0) == (without_debt > 0) and closed <= without_debt, f"{closed} of {without_debt} accounts without debt closed, {warned} warnings"


# ---- the month's close -----------------------------------------------------------------------------------------------

@story("close", "the month closes, proposed by one and approved by another (R-CLS-1, R-BON-7)")
def month_close(desk):
    def close(approved_by, good=(0,)):
        return desk.run("month", "close", "--month", desk.month, "--made-by", "siti", "--approved-by", approved_by, good=good)

    close("siti", good=(1, 2))
    open_still = desk.db.number("select count(*) from month_close") == 0
    close("rahmat")
    closed = desk.call("siti", "MonthService/GetMonth", month=desk.month)
    again = close("rahmat")
    ups = desk.db.number("select count(*) from bonus_line where kind = 5")
    booked = desk.db.number(f"""select count(*) from (select distinct b.payment_id, b.collector_id from bonus_line b
        where b.month_on = '{desk.month}-01' and b.kind <> 5 and not exists (
            select from payment_reversal r where r.agency_id = b.agency_id and r.payment_id = b.payment_id)) x""")
    holds = open_still and closed.closed and closed.payments == booked > 0 and ups == closed.true_ups and "already" in again
    return holds, (f"{grouped(closed.payments)} payments; {closed.true_ups} TRUE_UP lines, {money(closed.true_up.minor)} in all; "
                   f"closed again: already")


@story("close", "the month's bonus is what the whole month earns, no more than 9 % of its base (R-BON-7)")
def month_bonus(desk):
    r = desk.db.row(f"""select coalesce(sum(amount_minor), 0) as bonus, coalesce(sum(base_minor) filter (where kind in (1, 2, 4)), 0)
        as base from bonus_line where month_on = '{desk.month}-01'""")
    bonus, base = int(r["bonus"]), int(r["base"])
    if base == 0:
        return None
    return 0 <= bonus <= base * 9 // 100, f"{money(bonus)} on {money(base)}: {percent(bonus, base)}"


@story("close", "a transfer that the bank never showed is taken back: CLAWBACK in the open month (R-BON-5, R-ALL-7, J6)")
def clawback(desk):
    rows = desk.db.rows("""select p.payment_id, sum(b.amount_minor) as earned from payment p join bonus_line b using (agency_id, payment_id)
        where p.source = 1 and p.tender in (2, 3) and not exists (select from payment_reversal r where r.payment_id = p.payment_id)
          and not exists (select from payment_settled s where s.payment_id = p.payment_id)
        group by 1 having sum(b.amount_minor) > 0 order by 2 desc, 1 limit 1""")
    if not rows:
        return None
    payment = rows[0]["payment_id"]
    desk.reverse("siti", payment, "NEVER_RECEIVED")
    line = desk.db.row(f"select kind, amount_minor, month_on from bonus_line where payment_id = '{payment}' order by line_no desc limit 1")
    posting = desk.db.row(f"select value_on, posting_on from posting where trigger_id = '{payment}' and kind = 2")
    late = [day for day in (line["month_on"], posting["posting_on"]) if not day.startswith(desk.month)]
    return line["kind"] == "3" and len(late) == 2 and posting["value_on"].startswith(desk.month), \
        f"{money(line['amount_minor'])} in {line['month_on'][:7]}; valued {posting['value_on']}, booked {posting['posting_on']}"


NET = "+".join(f"k.net_{tag}_minor" for tag in ("field_cash", "field_transfer", "branch", "gateway", "lawyer", "enforcement",
                                                "collateral", "guarantee_fund", "insurance", "auction", "written_off_recovery"))


def kpi_rows(desk, by, order):
    return desk.db.rows(f"""select {by} as key, sum(k.assigned_accounts) as accounts, sum(k.assigned_minor) as assigned,
            sum({NET}) as net, sum(k.visits_done) as done, sum(k.visits_contact) as contact, sum(k.promises_kept) as kept,
            sum(k.promises_kept + k.promises_partial + k.promises_broken) as ended, sum(k.receipts) as receipts,
            sum(k.bonus_minor) as bonus
        from kpi_row k left join staff s on s.agency_id = k.agency_id and s.user_id = k.collector_id
        where k.month_on = '{desk.month}-01' and k.version = 1 group by 1 order by {order}, key""")


def summed(rows):
    return {k: sum(int(r[k]) for r in rows) for k in rows[0] if k != "key"}


def kpi_line(key, r):
    n = {k: int(r[k]) for k in r if k != "key"}
    return (key, grouped(n["accounts"]), money(n["assigned"]), money(n["net"]), percent(n["net"], n["assigned"]),
            percent(n["contact"], n["done"]), percent(n["kept"], n["ended"]), grouped(n["receipts"]),
            money(n["bonus"] // 100 * 100))


HEAD = ("accounts", "assigned", "net", "rate", "contact", "kept", "receipts", "bonus")


def kpi_tables(desk):
    """The snapshot by bucket and by collector; `tagihd kpi show` has every row of it."""
    buckets = kpi_rows(desk, "case when k.bucket < 0 then 'none' else 'B' || k.bucket end", "1")
    people = [r for r in kpi_rows(desk, "s.login", "4 desc") if r["key"]]
    rows = [kpi_line(r["key"], r) for r in people[:10]]
    if people[10:]:
        rows.append(kpi_line(f"{len(people) - 10} others", summed(people[10:])))
    return (table(f"KPI OF {desk.month} BY BUCKET, KNOWN AT ITS CLOSE, IDR", ["bucket", *HEAD],
                  [kpi_line(r["key"], r) for r in buckets], kpi_line("all", summed(buckets)))
            + [""] + table(f"KPI OF {desk.month} BY COLLECTOR, IDR", ["collector", *HEAD], rows, kpi_line("all", summed(people))))


@story("close", "figures of the month: known then, true now, one digest however often asked for (R-KPI-1)")
def kpi(desk):
    print("\n" + "\n".join(kpi_tables(desk)) + "\n")
    desk.run("kpi", "generate-monthly", "--month", desk.month)
    def digests():
        return desk.db.rows("select version, encode(digest, 'hex') as digest from kpi_snapshot order by version")
    before = digests()
    desk.run("kpi", "generate-monthly", "--month", desk.month)
    again = digests()
    changes = desk.run("kpi", "diff", f"{desk.month}@1", f"{desk.month}@{len(again)}").strip().splitlines() if len(again) > 1 else []
    return before == again and len(again) > 0, \
        f"{len(again)} versions, the newest {again[-1]['digest'][:16]}; {len(changes)} lines differ from what was known at the close"


@story("after", "the month's bonus is paid out, proposed and approved twice: only for money that the bank has (R-BON-6, R-BON-9)")
def payout(desk):
    seen = desk.call("siti", "PayoutService/PreviewPayout", through_month=desk.month)
    if not seen.shares:
        return None
    desk.decide("rahmat", desk.propose("siti", "PayoutService/ProposePayout", through_month=desk.month, digest=seen.digest,
                                       reason="the month's bonus"))
    desk.decide("siti", desk.propose("kartika", "PayoutService/ProposePayoutPayment", run_no=seen.run_no, bank_reference="BCA-PAY-1",
                                     reason="the file went to the bank"))
    run = desk.call("siti", "PayoutService/GetPayout", run_no=seen.run_no, page_size=200)
    rows = list(csv.DictReader(io.StringIO(desk.run("bonus", "export-payout", "--run", seen.run_no))))
    tax, net = (sum(getattr(s, k).minor for s in run.shares) for k in ("tax", "net"))
    waits = desk.db.number(f"select coalesce(sum(amount_minor), 0) from bonus_line b where month_on = '{desk.month}-01' and not exists"
                           " (select from bonus_payout_line x where x.agency_id = b.agency_id and x.line_id = b.line_id)")
    holds = run.state == "PAID" and run.paid.minor == tax + net and len(rows) == run.collectors
    return holds, (f"run {seen.run_no} of {run.collectors} collectors is {run.state}: {money(run.paid.minor)} = {money(net)} + "
                   f"{money(tax)} tax; {money(waits)} waits for its money")


@story("after", "the bank recalls a transfer whose bonus is paid: its collector owes it to the next run (R-BON-9, J17)")
def recalled(desk):
    rows = desk.db.rows("""select p.payment_id, p.amount_minor, b.collector_id from payment p join bonus_line b using (agency_id, payment_id)
        join bonus_payout_line x using (agency_id, line_id) where p.tender in (2, 3) and b.kind = 1 and b.amount_minor > 0
            and not exists (select from payment_reversal r where r.agency_id = p.agency_id and r.payment_id = p.payment_id)
        order by b.amount_minor desc, p.payment_id limit 1""")
    if not rows:
        return None
    one = rows[0]
    state = f"select coalesce(sum(bonus_payable_minor), 0) from collector_state where collector_id = '{one['collector_id']}'"
    before = desk.db.number(state)
    desk.reverse("siti", one["payment_id"], "BANK_RECALL")
    after = desk.db.number(state)
    taken = desk.db.number(f"select amount_minor from bonus_line where payment_id = '{one['payment_id']}' and kind = 3")
    return taken == after - before < 0, f"{money(one['amount_minor'])} gone; bonus payable to {desk.login_of(one['collector_id'])} " \
        f"{money(before)} before, {money(after)} after"


@story("after", "what was collected, for the creditor: one number after the other, and where he stands (R-OUT-1)")
def export(desk):
    rows = list(csv.DictReader(io.StringIO(desk.run("export-payments"))))
    numbers = [int(row["seq"]) for row in rows]
    back = sum(row["kind"] == "REVERSAL" for row in rows)
    facts = desk.db.number("select (select count(*) from payment) + (select count(*) from payment_reversal)")
    desk.run("export-payments", "--ack", numbers[-1])
    left = desk.run("export-payments").splitlines()[1:]
    whole = numbers == list(range(1, facts + 1))
    return whole and not left, \
        f"1 to {grouped(numbers[-1])} without a gap: {grouped(len(rows) - back)} payments, {back} reversals; acknowledged: {len(left)} left"
