# SPDX-License-Identifier: Apache-2.0
"""The books: month close, KPI and verify over a month of receipts, each against one plain aggregate over the same rows.

The month is made by the product's own code with its clock set back (books.c). Ours is the command as an operator starts
it, the reference one psql; both are timed from outside. Month close and verify run once: a month closes once, and the
verify that comes last says that nothing is wrong, neither with what was made nor with what the close wrote.
"""
import os
import statistics
import time

from tools import BOOKS, HERE, TAGIHD, Failed, conninfo_of, run, say

RECEIPTS_EACH = 500  # of a collector: 50 accounts, ten receipts each
AGENCY = "01000000-0000-7000-8000-100000000000"
DATABASE = "bench_books"
ROUNDS = 3
DEVICE_KEY = "agency_id, device_id, epoch, user_id, public_key, valid_from_us, certificate, certificate_hash"

# What each of them reads most of, added up or hashed once. The planner may use both cores.
REFERENCES = {
    "kpi": f"""select collector_id, currency, tag, count(*), sum(amount_minor) from payment
        where agency_id = '{AGENCY}' and value_on >= :'month' and value_on < :'month'::date + interval '1 month' group by 1, 2, 3""",
    "month_close": f"""select collector_id, currency, count(*), sum(base_minor), sum(amount_minor) from bonus_line
        where agency_id = '{AGENCY}' and month_on = :'month' group by 1, 2""",
    "verify": f"""select (select count(sha256(body)) from journal_body where agency_id = '{AGENCY}'),
        (select count(sha256(ack)) from journal_key where agency_id = '{AGENCY}')""",
}


class Books:
    def __init__(self, cluster, scratch, receipts):
        if receipts < RECEIPTS_EACH:
            raise Failed(f"--books needs at least {RECEIPTS_EACH}, one collector's month")
        self.cluster = cluster
        self.collectors = receipts // RECEIPTS_EACH
        self.receipts = self.collectors * RECEIPTS_EACH
        self.keys = os.path.join(scratch, "keys")
        self.admin, self.app, self.read = (conninfo_of(cluster, DATABASE, user) for user in ("postgres", "tagih_app", "tagih_read"))

    def value(self, sql):
        return run(["psql", "-qXAt", "-c", sql, self.admin]).strip()

    def make(self):
        began = time.monotonic()
        run(["psql", "-qX", "-c", f"create database {DATABASE}", self.cluster])
        run([TAGIHD, "migrate", "--owner-url", self.admin])
        # the newest month that may be closed on every day of this one (R-CLS-1)
        self.month = self.value("""select (date_trunc('month', today) - case when extract(day from today) >= 15 then 1 else 2 end
            * interval '1 month')::date from (select now() at time zone 'Asia/Jakarta') t (today)""")
        from_us, from_days = self.value(f"""select (extract(epoch from timestamp '{self.month}' at time zone 'Asia/Jakarta')
            * 1000000)::bigint, date '{self.month}' - date '1970-01-01'""").split("|")
        installation = self.value("select installation_id from installation")
        run(["psql", "-qX", "-v", f"collectors={self.collectors}", "-v", f"from_us={from_us}",
             "-f", os.path.join(HERE, "books.sql"), self.admin])

        def books(what):
            return run([BOOKS, what, "--database-url", self.app, "--keys", self.keys, "--installation", installation,
                        "--collectors", str(self.collectors), "--from-us", from_us, "--from-days", from_days])

        run(["psql", "-qX", "-c", f"copy device_key ({DEVICE_KEY}) from stdin", self.admin], input=books("certificates"))
        books("portfolio")
        books("receipts")
        self.value("vacuum analyze")
        self.value("checkpoint")
        say(f"   {self.receipts:,} receipts of {self.month[:7]}: "
            f"{self.value('select pg_size_pretty(pg_database_size(current_database()))')}, {time.monotonic() - began:.0f} s")

    def command(self, *words):
        """A command of the office: how long it took."""
        login = self.read if words[0] == "verify" else self.app
        began = time.monotonic()
        run([TAGIHD, *words, "--database-url", login, "--keys-dir", self.keys])
        return time.monotonic() - began

    def ours(self, name):
        month = ["--agency", "Bench", "--month", self.month[:7]]
        if name == "kpi":
            return self.command("kpi", "generate-monthly", "--dry-run", *month)
        if name == "month_close":
            return self.command("month", "close", *month, "--made-by", "supervisor-0", "--approved-by", "supervisor-1")
        return self.command("verify")  # ends with 1 when anything differs

    def reference(self, name):
        began = time.monotonic()
        run(["psql", "-qXAt", "-v", f"month={self.month}", "-f", "-", self.admin], input=REFERENCES[name] + ";")
        return time.monotonic() - began

    def measure(self, name, unit, rounds):
        """Turns of both sides; the first reference warms what both read."""
        self.reference(name)
        turns = []
        for _ in range(rounds):
            turns.append({"reference": self.reference(name), "ours": self.ours(name)})
            say(f"   {name}: {turns[-1]['ours']:.1f} s, the reference {turns[-1]['reference']:.2f} s")
        middle = {side: statistics.median(t[side] for t in turns) for side in ("ours", "reference")}
        return {"ratio": statistics.median(t["reference"] / t["ours"] for t in turns), "ratio_pipelined": None,
                "ours": self.receipts / middle["ours"], "reference": self.receipts / middle["reference"], "unit": unit,
                "seconds": middle, "receipts": self.receipts,
                "rounds": [{side: round(seconds, 3) for side, seconds in t.items()} for t in turns]}


def measure(books):
    """All three, in this order: what closes a month comes behind what looks at it, and verify looks at both."""
    found = {"kpi": books.measure("kpi", "payments/s", ROUNDS)}
    found["month_close"] = books.measure("month_close", "payments/s", 1)
    found["verify"] = books.measure("verify", "entries/s", 1)
    run(["psql", "-qX", "-c", f"drop database {DATABASE}", books.cluster])
    return found
