#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""S2, the real thing: field days of many phones with the real server, PostgreSQL and sockets, through a network that fails,
while the server is killed now and then. Run by ./build.sh chaos s2, or with TAGIH_PG and TAGIH_BUILD set.

    s2.py [--days 20] [--phones 20] [--visits 20] [--seed 1] [--via mix] [--report FILE]

A field day is one phone's day: enrol, pull, work, hand in, be told all. Phones of one round share a day and a database; a
round has its own seed, counted from --seed. When the faults stop, every phone must have drained within 60 s (I12); then the
phones' own figures are compared with the database, its invariants are looked at (invariants.py), and `tagihd verify` runs.
"""
import argparse
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import time
from argparse import Namespace
from collections import Counter
from pathlib import Path

sys.dont_write_bytecode = True
HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "sim")]
import field_checks  # noqa: E402
import invariants  # noqa: E402
from demo import AGENCY, Demo, how_it_ended, say  # noqa: E402
from field_db import PSQL, Database, read_tsv  # noqa: E402
from proxy import FaultProxy  # noqa: E402

DRAIN_S_MAX = 60           # I12
TRY_MS, GIVE_UP_MS = 2500, 90_000
RSS_KIB_MAX, DESCRIPTORS_MAX = 12 * 1024, 4  # I13: allowed between one storm of broken connections and the last
NAMES = ("Ibu Sari",)  # who pays for a debtor, as tests/sim/field.c has it: in no line of the log
KILL_EVERY_S = (2.5, 6.0)
# What the phones' own figures say of which invariant.
OF_THE_DAY = {"phones_are_well": "I12", "nothing_lost": "I6", "acknowledgements_agree": "I4", "repeats_agree": "I4",
              "certificates_cover": "I12", "nothing_twice": "I5", "one_row_an_entry": "I6", "flipped_are_evidence": "I6",
              "clone_is_caught": "I5", "none_waits": "I6", "none_is_accused": "I10", "receipts_agree": "I1", "voids_agree": "I1",
              "totals_agree": "I10", "cash_agrees": "I10", "days_are_closed": "I10", "visits_agree": "I6"}


def psql(conninfo, sql):
    done = subprocess.run([PSQL, "-qXAt", "-v", "ON_ERROR_STOP=1", "-d", conninfo, "-c", sql], capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{done.stderr.strip()}\n{sql}")
    return done.stdout.strip()


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


class Office(Demo):
    """The demo's office, made once; each round lives in a copy of its database."""

    def __init__(self, options, name="s2"):
        super().__init__(Namespace(portfolio=options.portfolio, outcomes=options.outcomes, phones=options.phones,
                                   visits=options.visits, seed=options.seed, accounts=options.accounts))
        self.cluster, self.name = self.database, f"{name}_{os.getpid()}"
        self.made, self.proxy, self.keep = [], None, bool(os.environ.get("SIM_KEEP"))

    def open(self):
        self.use(f"{self.name}_office")
        self.make_office()
        portfolio, self.outcomes, as_of = self.make_portfolio()
        self.import_portfolio(portfolio, as_of)

    def use(self, name, template=None):
        psql(self.cluster, f"create database {name}" + (f" template {template}" if template else ""))
        self.made.append(name)
        self.database = f"{self.cluster} dbname={name}"
        self.db = Database(self.database)

    def begin_round(self, seed, number):
        """A copy of the office, a plan of its own, a folder for what comes out."""
        self.options.seed = seed
        self.use(f"{self.name}_{number}", f"{self.name}_office")
        self.out = self.folder / f"round-{number}"
        self.out.mkdir()
        self.log, self.socket = self.out / "tagihd.log", self.out / "tagihd.sock"
        self.set_clock(self.at(6))
        self.plan_day()

    def end_round(self):
        if not self.keep:
            psql(self.cluster, f"drop database {self.made.pop()} with (force)")

    def kill_server(self):
        self.server.kill()
        self.server.wait()
        self.server = None

    def close(self):
        if self.proxy:
            self.proxy.close()
        for process in (self.phones, self.server):
            if process and process.poll() is None:
                process.kill()
                process.wait()
        self.server = self.phones = None
        for name in () if self.keep else self.made:
            psql(self.cluster, f"drop database if exists {name} with (force)")
        self.made = []
        super().close()


class Round:
    """One day of all phones, and what was seen of it."""

    def __init__(self, office, options, seed, number):
        self.office, self.options, self.seed, self.number = office, options, seed, number
        self.chance = random.Random(f"s2 {seed}")
        self.looked = invariants.Looked(invariants.quiet)
        self.faults, self.drained_s, self.slow = Counter(), 0.0, None
        via = options.via if options.via != "mix" else "tls" if number % 4 == 3 else "unix"
        self.tls = via == "tls"

    def run(self):
        office = self.office
        office.begin_round(self.seed, self.number)
        if self.tls:
            office.listen = f"127.0.0.1:{free_port()}"
        office.start_server()
        target = tuple(office.listen.split(":")) if self.tls else str(office.socket)
        proxy = office.proxy = FaultProxy(target, self.seed, self.tls)
        proxy.start()
        office.target = f"localhost:{proxy.port}"
        try:
            self.day()
            if self.options.growth and not self.tls:
                self.grow()
        finally:
            proxy.close()
            office.proxy = None
        self.faults.update(proxy.faults())
        self.looked.count("I13", "the server ends as it should when it is told to", 1, int(not office.stop_server()))
        self.look()
        return self

    # ---- the day under fire ----

    def words(self):
        more = ["--ca", self.office.folder / "state/ca.pem"] if self.tls else []
        return [*self.office.fieldday(self.office.outcomes, self.office.out), *more, "--try-ms", str(TRY_MS),
                "--give-up-ms", str(GIVE_UP_MS)]

    def day(self):
        """Faults from the first call on; until some seconds into the evening, when everybody hands in."""
        office, proxy = self.office, self.office.proxy
        with open(office.out / "phones.log", "wb") as log:
            office.phones = subprocess.Popen([str(w) for w in self.words()], env=office.environment(False), stdout=log, stderr=log)
        proxy.set_faults(True)
        began, evening = time.monotonic(), None
        next_kill = began + self.chance.uniform(*KILL_EVERY_S)
        while office.phones.poll() is None:
            now = time.monotonic()
            evening = evening or (now if "cash changes hands" in self.said() else None)
            if evening and now - evening > self.options.evening_s or now - began > self.options.day_s:
                break
            if self.options.kills and now >= next_kill:
                office.kill_server()
                self.faults["server killed"] += 1
                time.sleep(self.chance.uniform(0, 0.4))
                office.start_server()
                next_kill = time.monotonic() + self.chance.uniform(*KILL_EVERY_S)
            time.sleep(0.05)
        proxy.set_faults(False)
        self.wait_for_phones()

    def said(self):
        return (self.office.out / "phones.log").read_text(encoding="utf-8", errors="replace")

    def wait_for_phones(self):
        """I12, measured from here."""
        stopped, office = time.monotonic(), self.office
        invariants.look_at_facts(office.db, self.looked, office.out / "facts.tsv")
        while office.phones.poll() is None and time.monotonic() - stopped < DRAIN_S_MAX:
            office.must_be_served()
            time.sleep(0.05)
        self.drained_s = time.monotonic() - stopped
        code = office.phones.poll()
        if code is None:
            office.phones.kill()
            office.phones.wait()
        told = f"{self.drained_s:.1f} s" if code is not None else f"not after {DRAIN_S_MAX} s"
        self.looked.count("I12", "all phones drained within 60 s after faults stopped", self.options.phones, int(code is None), told)
        self.looked.count("I12", "the phones' program had its day", 1, int(code not in (0, None)),
                          how_it_ended(code or 0) + "\n" + self.said()[-600:])

    def grow(self):
        """I13: what was sent once, sent again in pieces; what one such storm leaves behind, all leave behind."""
        proxy, office = self.office.proxy, self.office
        if not proxy.storm(64, self.seed):
            return
        time.sleep(0.5)
        process = invariants.Process(office.server.pid)
        for n in range(3):
            proxy.storm(96, self.seed + n)
        for _ in range(40):  # connections end on their own time
            if process.now()[1] <= process.descriptors:
                break
            time.sleep(0.1)
        process.look(self.looked, RSS_KIB_MAX, DESCRIPTORS_MAX)

    # ---- afterwards ----

    def look(self):
        office = self.office
        if (office.out / "entries.tsv").exists():
            self.compare(read_tsv(office.out / "phones.tsv"), read_tsv(office.out / "entries.tsv"))
        invariants.look(office.database, acks=office.out, keys=office.folder / "keys", facts=office.out / "facts.tsv",
                        logs=[office.log], secrets=[office.password, *NAMES], looked=self.looked)
        said = office.tagihd("verify", "--agency", AGENCY, good=(0, 1)).strip().splitlines()
        holds = bool(said) and " 0 differences" in said[-1]
        self.looked.count("I8", "tagihd verify finds no difference", 1, int(not holds), "\n".join(said[:10]))

    def compare(self, phones, entries):
        day = field_checks.Day(self.office.db, phones, entries)
        for name, function in field_checks.CHECKS:
            holds, told = function(day)
            if function.__name__ == "repeats_agree" and not self.options.phones > 4:
                continue  # only every fourth phone repeats everything
            self.looked.count(OF_THE_DAY[function.__name__], name, 1, int(not holds), told)


class Proof:
    """All rounds, and their row of the table."""

    def __init__(self, options):
        self.options, self.rounds, self.faults = options, [], Counter()
        self.checks, self.failures, self.numbers, self.slowest_s = 0, [], set(), 0.0

    def run(self):
        options = self.options
        office = Office(options)
        office.open()
        days, number, began = 0, 0, time.monotonic()
        while days < options.days:
            one = Round(office, options, options.seed + number, number).run()
            days += options.phones
            self.add(one)
            state = "ok" if not one.looked.failures else "FAILED"
            say(f"round {number + 1}, seed {one.seed}, {'TLS' if one.tls else 'plaintext'}: {state}; {one.faults.total()} faults "
                f"({', '.join(f'{n} {k}' for k, n in sorted(one.faults.items()))}), drained in {one.drained_s:.1f} s, "
                f"{one.looked.checks} checks; {days} field days in {time.monotonic() - began:.0f} s")
            if one.looked.failures:
                self.tell(one, office)
                if not options.go_on:
                    break
            elif not os.environ.get("SIM_KEEP"):
                shutil.rmtree(office.out)
            office.end_round()
            number += 1
        self.days = days
        return office

    def add(self, one):
        self.faults.update(one.faults)
        self.checks += one.looked.checks
        self.numbers |= one.looked.numbers
        self.slowest_s = max(self.slowest_s, one.drained_s)
        self.failures += one.looked.failures

    def tell(self, one, office):
        for failure in one.looked.failures:
            say(f"  {failure}")
        kept = Path(os.environ.get("TAGIH_KEEP", office.build.parent / "chaos")) / f"s2-{one.seed}"
        shutil.rmtree(kept, ignore_errors=True)
        shutil.copytree(office.out, kept, ignore=lambda _, names: [n for n in names if n.endswith(".sock")])
        say(f"  seed {one.seed}; log and acknowledgements: {kept}\n  again: ./build.sh chaos s2 --seed {one.seed} --days {self.options.phones} "
            f"--phones {self.options.phones} --visits {self.options.visits} --via {'tls' if one.tls else 'unix'}")

    def row(self):
        seeds = f"seeds {self.options.seed}-{self.options.seed + max(0, (self.days - 1) // self.options.phones)}"
        return {"test": "S2 field days", "count": self.days, "unit": "field days", "faults": self.faults.total(),
                "faults_of": dict(self.faults), "checks": self.checks,
                "invariants": " ".join(n for n in invariants.NUMBERS if n in self.numbers), "failures": len(self.failures),
                "note": f"{seeds}; drained at most {self.slowest_s:.1f} s after faults stopped"}


def read_options(words=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0], epilog=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--days", type=int, default=20, help="field days in all (default 20)")
    parser.add_argument("--phones", type=int, default=20, help="of one round (default 20, at most 200)")
    parser.add_argument("--visits", type=int, default=20, help="planned for each phone (default 20)")
    parser.add_argument("--accounts", type=int, default=5000, help="of the generated portfolio (default 5000)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--via", choices=("unix", "tls", "mix"), default="mix", help="plaintext, TLS, or TLS in every fourth round")
    parser.add_argument("--evening-s", type=float, default=6, help="faults go on so long into the evening (default 6)")
    parser.add_argument("--day-s", type=float, default=45, help="and in all at most so long (default 45)")
    parser.add_argument("--no-kills", dest="kills", action="store_false", help="the server is left alone")
    parser.add_argument("--no-growth", dest="growth", action="store_false", help="memory and descriptors are not measured")
    parser.add_argument("--go-on", action="store_true", help="after a round that failed")
    parser.add_argument("--portfolio", type=Path)
    parser.add_argument("--outcomes", type=Path)
    parser.add_argument("--report", type=Path, metavar="FILE")
    options = parser.parse_args(words)
    if not 1 <= options.phones <= 200 or options.days < 1 or bool(options.portfolio) != bool(options.outcomes):
        parser.error("--phones 1 to 200, --days 1 or more; --portfolio goes with --outcomes")
    for variable in ("TAGIH_PG", "TAGIH_BUILD"):
        if variable not in os.environ:
            parser.error(f"{variable} is not set: start it by ./build.sh chaos s2")
    options.phones = min(options.phones, options.days)
    return options


def main():
    options = read_options()
    proof = Proof(options)
    office = proof.run()
    row = proof.row()
    if options.report:
        with open(options.report, "a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")
    office.close()
    say(f"{row['count']} field days, {row['faults']} faults, {row['checks']} checks, {row['failures']} failures")
    return 1 if row["failures"] else 0


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    signal.signal(signal.SIGINT, lambda *_: sys.exit(130))
    sys.exit(main())
