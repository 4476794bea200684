#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The server's clock jumps while phones whose clocks are wrong by years push. Run by ./build.sh chaos jumps.

    jumps.py [--jumps 100] [--phones 12] [--visits 16] [--years 10] [--seed 1] [--report FILE]

Phones work a day (s2.py's office, no bad network) with clocks that are off by up to --years. While they hand in, the server's
clock is moved again and again: by seconds, hours, days, to the last second of a month, by years, either way. At each jump the
server is asked: it answers in time, a token is refused exactly when it has ended by the server's clock, a call that waits
for changes comes back when it said it would. Then the clock is right again: all phones drain within 60 s (I12), leases that
are over by then end once, and the books are right whatever the clocks said (R-TIM-2, R-TIM-3).
"""
import argparse
import json
import os
import random
import shutil
import signal
import struct
import subprocess
import sys
import threading
import time
from collections import Counter
from datetime import timedelta
from pathlib import Path

sys.dont_write_bytecode = True
HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "sim"), str(HERE.parent / "support")]
import field_checks  # noqa: E402
import grpc  # noqa: E402
import invariants  # noqa: E402
import reflected  # noqa: E402
import s2  # noqa: E402
from demo import AGENCY, HOLIDAYS, SUPERVISOR, how_it_ended, say  # noqa: E402
from field_db import read_tsv  # noqa: E402

TOKEN_S = 15 * 60
ANSWER_S_MAX = 5        # what somebody waits for an answer, on a busy machine
WAIT_MS = 1200          # of a call that waits for changes
SKEW_S = 58             # servers' clocks may differ by a minute
CLOCK_S = 2             # how exactly the moment of a jump is known
REST_S = (0.05, 0.25)   # from one jump to the next
# What the phones say of their day that no clock may change; the others speak of minutes.
OF_ANY_CLOCK = ("phones_are_well", "nothing_lost", "acknowledgements_agree", "repeats_agree", "certificates_cover", "nothing_twice",
                "one_row_an_entry", "flipped_are_evidence", "none_waits", "none_is_accused", "receipts_agree", "totals_agree")


class Office(s2.Office):
    """Its server reads a clock of its own: the phones' day, moved by what the jumper says."""

    def environment(self, shifted=True):
        env = super().environment(shifted)
        return env | ({"SIM_CLOCK": str(self.folder / "server-clock")} if shifted else {})

    by_us, moving = 0, threading.Lock()  # how far the server's clock is from the phones' day

    def set_clock(self, at):
        super().set_clock(at)
        shutil.copyfile(self.folder / "clock", self.folder / "server-clock")

    def move_server_clock(self, by_us=None):
        """To another distance, or keep the distance: the phones' day moves on."""
        with self.moving:
            self.by_us = self.by_us if by_us is None else by_us
            base_us, = struct.unpack("<q", (self.folder / "clock").read_bytes())
            with open(self.folder / "server-clock", "r+b") as file:  # in place: the server has it mapped
                file.write(struct.pack("<q", base_us + self.by_us))


class Jumper:
    """Moves the clock, asks the server, and counts."""

    def __init__(self, office, looked, seed, years):
        self.office, self.looked, self.years = office, looked, years
        self.chance, self.counts = random.Random(f"jumps {seed}"), Counter()
        self.stop = threading.Event()
        self.channel = grpc.insecure_channel(f"unix:{office.socket}")
        self.caller = reflected.Caller(self.channel)
        self.tokens = []  # (token, the server's second at which it was given)
        self.problems = []
        self.waits = [0, 0]

    def draw(self):
        """(kind, where the clock is then, relative to the day's true time)"""
        kind = self.chance.choice(("seconds", "token", "hours", "days", "month", "years", "years", "true"))
        sign = self.chance.choice((-1, 1))
        if kind == "seconds":
            return kind, self.office.by_us + sign * self.chance.randrange(1, 60_000_000)
        if kind == "token":
            return kind, self.office.by_us + sign * self.chance.randrange(TOKEN_S - 120, TOKEN_S + 600) * 1_000_000
        if kind == "hours":
            return kind, self.office.by_us + sign * self.chance.randrange(1, 36) * 3_600_000_000
        if kind == "days":
            return kind, sign * self.chance.randrange(1, 60) * 86_400_000_000
        if kind == "month":  # its last second, by the agency's clock, so that it ends while somebody pushes
            here = self.office.simulated_now().astimezone(self.office.at(6).tzinfo)
            first = (here.replace(day=1, hour=0, minute=0, second=0, microsecond=0) + timedelta(days=32)).replace(day=1)
            return kind, int((first - timedelta(seconds=1) - here).total_seconds() * 1_000_000)
        if kind == "years":
            return kind, sign * self.chance.randrange(1, self.years * 365 * 86_400) * 1_000_000
        return kind, 0

    def server_s(self):
        offset_us, = struct.unpack("<q", (self.office.folder / "server-clock").read_bytes())
        return time.time() + offset_us / 1_000_000

    def jump(self):
        kind, by_us = self.draw()
        self.office.move_server_clock(by_us)
        self.counts[kind] += 1

    def say(self, number, name, wrong, told):
        self.looked.checks += 1
        self.looked.numbers.add(number)
        if wrong:
            self.looked.failures.append(f"{number} {name}: {told}")

    # ---- what is asked at each jump ----

    def ask(self):
        began, before_s = time.monotonic(), self.server_s()
        try:
            token = self.caller.call("SessionService/Login", timeout=30, login=SUPERVISOR, password=self.office.password).tokens.access_token
            told = ""
        except grpc.RpcError as error:
            token, told = None, f"{error.code()}: {error.details()}"
        took = time.monotonic() - began
        if token and self.server_s() - before_s < took + CLOCK_S / 2:  # the phones' day did not go on in the middle of it
            self.tokens.append((token, before_s))
        self.say("I12", "somebody can log in whatever the clock says", bool(told), told)
        self.say("I12", f"an answer comes within {ANSWER_S_MAX} s after a jump", took > ANSWER_S_MAX, f"{took:.1f} s")
        for old, given_s in self.chance.sample(self.tokens, min(2, len(self.tokens))):
            self.ask_with(old, given_s)
        self.tokens = self.tokens[-30:]

    def ask_with(self, token, given_s):
        """It ends at its second and not before; one from the future has not ended."""
        age_s = self.server_s() - given_s
        try:
            self.caller.call("DeviceService/ListDevices", token, timeout=30)
            refused = ""
        except grpc.RpcError as error:
            refused = f"{error.code().name} {reflected.reason_of(error)}"
        moved = abs(self.server_s() - given_s - age_s) > CLOCK_S
        if moved or abs(age_s - TOKEN_S) <= CLOCK_S:
            return
        if age_s < -SKEW_S:  # not yet, unless the server has just seen it
            wrong = refused not in ("", "UNAUTHENTICATED TOKEN_INVALID")
        else:
            wrong = refused != ("UNAUTHENTICATED TOKEN_EXPIRED" if age_s > TOKEN_S else "")
        self.say("I12", "a token is good until it ends by the server's clock", wrong, f"{age_s:.0f} s old: {refused or 'taken'}")

    def wait_for_changes(self):
        """Beside the jumps: a call that waits comes back when its time is over, or before it with news."""
        channel = grpc.insecure_channel(f"unix:{self.office.socket}", options=[("grpc.use_local_subchannel_pool", 1)])
        caller, token, cursor = reflected.Caller(channel), None, b""
        while not self.stop.is_set():
            began = time.monotonic()
            try:
                token = token or caller.call("SessionService/Login", timeout=30, login=SUPERVISOR,
                                             password=self.office.password).tokens.access_token
                began = time.monotonic()
                answer = caller.call("FeedService/ListChanges", token, timeout=30, cursor=cursor, page_size=500, wait_ms=WAIT_MS)
                took_ms = (time.monotonic() - began) * 1000
                early = took_ms < WAIT_MS - 100 and not answer.changes and not answer.more
                late = took_ms > WAIT_MS + 1000 * ANSWER_S_MAX
                self.waits[0] += 1
                self.waits[1] += took_ms >= WAIT_MS - 100
                if early or late:
                    self.problems.append(f"waited {took_ms:.0f} ms of {WAIT_MS}, {len(answer.changes)} changes")
                cursor = answer.cursor
            except grpc.RpcError as error:
                token = None  # it has ended by the server's clock of this moment, or the server ends
                if reflected.reason_of(error) not in ("TOKEN_EXPIRED", "TOKEN_INVALID", "UNAVAILABLE", "CANCELLED") and not self.stop.is_set():
                    self.problems.append(f"{error.code().name} {reflected.reason_of(error)}: {error.details()}")
        channel.close()

    def run(self, jumps, alive):
        """Until so many jumps were made, or nobody pushes any more."""
        waiting = threading.Thread(target=self.wait_for_changes, daemon=True)
        waiting.start()
        made = 0
        while made < jumps and alive():
            self.jump()
            made += 1
            self.ask()
            time.sleep(self.chance.uniform(*REST_S))
        self.office.move_server_clock(0)
        self.stop.set()
        waiting.join(10)
        for problem in self.problems:
            self.looked.failures.append(f"I12 a call that waits comes back in time: {problem}")
        self.looked.checks += self.waits[0]
        self.channel.close()
        return made


class Round:
    def __init__(self, office, options, seed, number):
        self.office, self.options, self.seed, self.number = office, options, seed, number
        self.looked, self.jumps, self.counts, self.drained_s = invariants.Looked(invariants.quiet), 0, Counter(), 0.0

    def run(self, jumps):
        office, options = self.office, self.options
        office.begin_round(self.seed, self.number)
        office.set_clock(office.at(7))  # as the phones will
        office.start_server()
        office.target = f"unix:{office.socket}"
        with open(office.out / "phones.log", "wb") as log:
            words = [*office.fieldday(office.outcomes, office.out), "--try-ms", "5000", "--give-up-ms", "90000", "--pace-ms",
                     str(options.pace_ms), "--skew-years", str(options.years)]
            office.phones = subprocess.Popen([str(w) for w in words], env=office.environment(False), stdout=log, stderr=log)
        follower = threading.Thread(target=self.follow, daemon=True)
        self.jumper = Jumper(office, self.looked, self.seed, options.years)
        follower.start()
        while "enrol, pull the day" not in self.said() and office.phones.poll() is None:
            time.sleep(0.05)
        self.jumps = self.jumper.run(jumps, lambda: office.phones.poll() is None)
        self.counts = self.jumper.counts
        self.wait_for_phones()
        self.leases_end_once()
        self.looked.count("I13", "the server ends as it should when it is told to", 1, int(not office.stop_server()))
        self.look()
        return self

    def said(self):
        return (self.office.out / "phones.log").read_text(encoding="utf-8", errors="replace")

    def follow(self):
        """The phones' day moves on; the server's clock keeps its distance."""
        while self.office.phones and self.office.phones.poll() is None:
            self.office.move_server_clock()
            time.sleep(0.02)

    def wait_for_phones(self):
        stopped, phones = time.monotonic(), self.office.phones
        try:
            code = phones.wait(timeout=s2.DRAIN_S_MAX)
        except subprocess.TimeoutExpired:
            code = None
            phones.kill()
            phones.wait()
        self.drained_s = time.monotonic() - stopped
        self.looked.count("I12", "all phones drained within 60 s after the clock was right again", self.options.phones, int(code is None),
                          f"{self.drained_s:.1f} s")
        self.looked.count("I12", "the phones' program had its day", 1, int(code not in (0, None)), how_it_ended(code or 0) + "\n" + self.said()[-600:])

    def leases_end_once(self):
        """Visits of the next working day, in whose middle the server's clock comes to stand: none has ended; the day after, all have, once."""
        office = self.office
        day = office.day + timedelta(days=1)
        while day.weekday() == 6 or (day.month, day.day) in HOLIDAYS:
            day += timedelta(days=1)
        planned = office.tagihd("plan", "--agency", AGENCY, "--day", day, "--per-collector", 2, "--seed", self.seed, "--collectors",
                                ",".join(office.login(i) for i in range(self.options.phones)), good=(0, 3))
        sql = f"""select count(*) as n, count(*) filter (where s.state = 5) as expired, count(*) filter (where s.live) as live,
            (select count(*) from (select e.visit_id from visit_event e join visit v using (agency_id, visit_id) where e.kind = 'EXPIRED'
                group by 1 having count(*) > 1) x) as twice
            from visit_state s where s.planned_on = '{day}'"""
        self.stand_at(office.at(10) + (day - office.day))
        before = office.db.row(sql)
        self.stand_at(office.at(10) + (day - office.day) + timedelta(days=3))
        until = time.monotonic() + 20
        while office.db.row(sql)["live"] != "0" and time.monotonic() < until:
            time.sleep(0.2)
        after = office.db.row(sql)
        self.stand_at(office.at(19))  # and back: what is over stays over
        back = office.db.row(sql)
        n = int(before["n"])
        wrong = (n == 0) + int(before["expired"]) + int(after["live"]) + int(after["twice"]) + (after != back) + (after["expired"] != before["n"])
        self.looked.count("I12", "leases end when they are over by the server's clock, once", 1 + 3 * n, wrong, f"{before}, {after}, {back}; {planned[-200:]}")

    def stand_at(self, at):
        """Restarted there, so that what is due is done now and not within the minute."""
        self.office.stop_server()
        self.office.set_clock(at)
        self.office.start_server()
        time.sleep(0.3)

    def look(self):
        office = self.office
        if (office.out / "entries.tsv").exists():
            day = field_checks.Day(office.db, read_tsv(office.out / "phones.tsv"), read_tsv(office.out / "entries.tsv"))
            for name, function in field_checks.CHECKS:
                if function.__name__ in OF_ANY_CLOCK:
                    holds, told = function(day)
                    self.looked.count(s2.OF_THE_DAY[function.__name__], name, 1, int(not holds), told)
        invariants.look(office.database, acks=office.out, keys=office.folder / "keys", logs=[office.log], secrets=[office.password, *s2.NAMES],
                        looked=self.looked)
        said = office.tagihd("verify", "--agency", AGENCY, good=(0, 1)).strip().splitlines()
        holds = bool(said) and " 0 differences" in said[-1]
        self.looked.count("I8", "tagihd verify finds no difference", 1, int(not holds), "\n".join(said[:10]))


def read_options(words=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0], epilog=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jumps", type=int, default=100)
    parser.add_argument("--phones", type=int, default=12)
    parser.add_argument("--visits", type=int, default=16)
    parser.add_argument("--accounts", type=int, default=1000)
    parser.add_argument("--years", type=int, default=10, help="how far clocks go, either way (default 10)")
    parser.add_argument("--pace-ms", type=int, default=2000, help="a phone's rest before each Push (default 2000)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--report", type=Path, metavar="FILE")
    options = parser.parse_args(words)
    options.portfolio = options.outcomes = None
    if not 1 <= options.phones <= 200 or options.jumps < 1 or not 1 <= options.years <= 20:
        parser.error("--phones 1 to 200, --jumps 1 or more, --years 1 to 20")
    for variable in ("TAGIH_PG", "TAGIH_BUILD"):
        if variable not in os.environ:
            parser.error(f"{variable} is not set: start it by ./build.sh chaos jumps")
    return options


def main():
    options = read_options()
    office = Office(options, "jumps")
    office.open()
    counts, checks, failures, numbers, jumps, number = Counter(), 0, [], set(), 0, 0
    while jumps < options.jumps and not failures:
        one = Round(office, options, options.seed + number, number).run(options.jumps - jumps)
        jumps, checks, number = jumps + one.jumps, checks + one.looked.checks, number + 1
        counts.update(one.counts)
        numbers |= one.looked.numbers
        failures += one.looked.failures
        waits = one.jumper.waits
        say(f"round {number}, seed {one.seed}: {one.jumps} jumps ({', '.join(f'{n} {k}' for k, n in sorted(one.counts.items()))}), {waits[0]} calls waited "
            f"for changes, {waits[1]} to their end, drained in {one.drained_s:.1f} s, {one.looked.checks} checks")
        for failure in one.looked.failures:
            say(f"  {failure}")
        if one.looked.failures:
            say(f"  again: ./build.sh chaos jumps --seed {one.seed} --jumps {options.jumps} --phones {options.phones} --visits {options.visits}")
        elif not os.environ.get("SIM_KEEP"):
            shutil.rmtree(office.out)
        office.end_round()
        if not one.jumps:
            failures.append("I12 the phones ended before the clock could jump")
    row = {"test": "clock jumps", "count": jumps, "unit": f"jumps of up to {options.years} years", "faults": counts.total(), "faults_of": dict(counts),
           "checks": checks, "invariants": " ".join(n for n in invariants.NUMBERS if n in numbers), "failures": len(failures),
           "note": f"seeds {options.seed}-{options.seed + number - 1}"}
    if options.report:
        with open(options.report, "a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")
    office.close()
    say(f"{jumps} jumps, {checks} checks, {len(failures)} failures")
    return 1 if failures else 0


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    signal.signal(signal.SIGINT, lambda *_: sys.exit(130))
    sys.exit(main())
