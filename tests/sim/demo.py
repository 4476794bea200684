#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A field day, end to end: agency and people, a portfolio, a plan, 40 phones through the real edge, and the books.

    ./build.sh demo [--portfolio FILE --outcomes FILE] [--phones N] [--visits N] [--seed N] [--stay]

The day is the latest working day that is over in Jakarta; the server runs through it on a clock that the phones move
(tests/sim/shift_clock.c), so nine hours pass in seconds and no run depends on the hour it is started at. Then the office
works on with that money (stories.py): the same evening, the weeks after it, and the month's close. Everything that is
started is stopped again; --stay leaves the server up, on the real clock, until Ctrl-C.
"""
import argparse
import atexit
import os
import secrets
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, timedelta, timezone
from pathlib import Path

SIM = Path(__file__).resolve().parent
TOP = SIM.parent.parent
sys.path.append(str(TOP / "tests/support"))
import books  # noqa: E402
import stories  # noqa: E402
import stories_money, stories_sale, stories_cash, stories_month  # noqa: E401, E402, F401 (in the order in which they are told)
from desk import JAKARTA, Desk  # noqa: E402
from field_db import Database  # noqa: E402
from field_tables import WIDTH, grouped, verdict  # noqa: E402

HOLIDAYS = {(1, 1), (5, 1), (6, 1), (8, 17), (12, 25)}  # nobody is visited then (R-GAT-2)
AGENCY = "Agen Sejahtera"
SUPERVISOR, MANAGER = "siti", "rahmat"  # who plans and confirms; who approves targets
CASHIER, GATEWAY = "kartika", "gateway"
TEAMS = ("North", "South")
AS_OF = "2005-09-30"  # what the balances of a given portfolio speak of


def is_working_day(day):
    """Monday to Saturday and no holiday."""
    return day.weekday() != 6 and (day.month, day.day) not in HOLIDAYS


def working_day(now):
    """The latest one whose evening is over."""
    day = now.date() if (now.hour, now.minute) >= (18, 45) else now.date() - timedelta(days=1)
    while not is_working_day(day):
        day -= timedelta(days=1)
    return day


def working_day_from(day):
    """That day, or the first working one after it: on others nobody is reminded."""
    while not is_working_day(day):
        day += timedelta(days=1)
    return day


def how_it_ended(code):
    return f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"


def say(text):
    print(f"== {text}", flush=True)


class Demo:
    def __init__(self, options):
        self.options = options
        self.build, self.python = Path(os.environ["TAGIH_BUILD"]), os.environ.get("TAGIH_PYTHON", sys.executable)
        self.database, self.agency = os.environ["TAGIH_PG"], AGENCY
        self.folder = Path(tempfile.mkdtemp(prefix="tagih-demo."))
        self.log, self.socket, self.listen = self.folder / "tagihd.log", self.folder / "tagihd.sock", "127.0.0.1:0"
        self.server, self.phones, self.edge_runs = None, None, False
        self.day = working_day(datetime.now(JAKARTA))
        self.password = secrets.token_urlsafe(12)
        atexit.register(self.close)

    # ---- running things ------------------------------------------------------------------------------------------

    def environment(self, shifted=True):
        env = {k: v for k, v in os.environ.items() if not k.startswith("TAGIH_")}
        env |= {"TAGIH_DATABASE_URL": f"{self.database} user=tagih_app", "TAGIH_OWNER_URL": self.database,
                "TAGIH_KEYS_DIR": str(self.folder / "keys"), "TAGIH_STATE_DIR": str(self.folder / "state"),
                "SIM_PASSWORD": self.password, "TZ": "UTC"}
        if shifted:
            env |= {"SIM_CLOCK": str(self.folder / "clock"), "LD_PRELOAD": str(self.build / "tests/sim/shift_clock.so")}
        return env

    def tagihd(self, *words, stdin=None, good=(0,)):
        done = subprocess.run([self.build / "server/tagihd", *map(str, words)], env=self.environment(), input=stdin,
                              capture_output=True, text=True, check=False)
        if done.returncode not in good:
            sys.exit(f"demo: tagihd {' '.join(map(str, words))} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
        return done.stdout

    def script(self, name, *words):
        done = subprocess.run([TOP / name, *map(str, words)], env=self.environment(False), capture_output=True, text=True,
                              check=False)
        if done.returncode:
            sys.exit(f"demo: {name} {words[0]} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
        return done.stdout.strip()

    def set_clock(self, at):
        """Simulated time minus real time, microseconds, in a file that is mapped by whoever wants it."""
        offset_us = int((at - datetime.now(timezone.utc)).total_seconds() * 1_000_000)
        (self.folder / "clock").write_bytes(struct.pack("<q", offset_us))

    def at(self, hour, minute=0):
        return datetime(self.day.year, self.day.month, self.day.day, hour, minute, tzinfo=JAKARTA)

    # ---- the office ----------------------------------------------------------------------------------------------

    def make_office(self):
        self.set_clock(self.at(6))
        self.tagihd("migrate")
        for purpose in ("token", "device", "ack", "document"):
            self.tagihd("key", "new", purpose)
        self.make_people()

    def add_user(self, login, name, role, *words):
        self.tagihd("user", "add", "--login", login, "--name", name, "--role", role, *words, stdin=self.password + "\n")

    def make_people(self):
        self.add_user(SUPERVISOR, "Siti Rahma", "supervisor", "--new-agency", AGENCY, "--time-zone", "Asia/Jakarta")
        self.add_user(MANAGER, "Rahmat Hidayat", "supervisor,admin", "--agency", AGENCY)
        self.add_user(CASHIER, "Kartika Dewi", "cashier", "--agency", AGENCY)
        self.add_user(GATEWAY, "Payment gateway", "integration", "--agency", AGENCY)
        with ThreadPoolExecutor(2) as pool:  # each password takes its tenth of a second
            list(pool.map(self.add_collector, range(self.options.phones)))
        self.db = Database(self.database)
        users = {r["login"]: r["user_id"] for r in self.db.rows("select login, user_id from staff")}
        lines = [f"{self.login(i)}\t{users[self.login(i)]}\n" for i in range(self.options.phones)]
        (self.folder / "collectors.tsv").write_text("".join(lines), encoding="utf-8")
        say(f"{AGENCY}: two supervisors, {self.options.phones} collectors in {len(TEAMS)} teams")

    def add_collector(self, i):
        self.add_user(self.login(i), f"Collector {i + 1}", "collector", "--agency", AGENCY, "--team", TEAMS[i % len(TEAMS)])

    @staticmethod
    def login(i):
        names = ("adi", "budi", "citra", "dewi", "eko", "fajar", "gita", "hadi", "indra", "joko")
        return f"{names[i % len(names)]}{i // len(names) + 1}"

    def make_portfolio(self):
        """The files, and the day that their balances speak of."""
        if self.options.portfolio:
            return self.options.portfolio, self.options.outcomes, AS_OF
        portfolio, outcomes = self.folder / "portfolio.csv", self.folder / "outcomes.csv"
        done = subprocess.run([self.python, "-B", SIM / "make_portfolio.py", "--accounts", str(self.options.accounts), "--seed",
                               str(self.options.seed), "--as-of", str(self.day), "--portfolio", portfolio, "--outcomes", outcomes],
                              capture_output=True, text=True, check=False)
        if done.returncode:
            sys.exit(f"demo: make_portfolio.py: {done.stderr}")
        return portfolio, outcomes, self.day

    def import_portfolio(self, portfolio, as_of):
        """A copy is imported: what is refused would be written beside it."""
        begun = time.monotonic()
        copy = self.folder / "import.csv"
        shutil.copyfile(portfolio, copy)
        self.tagihd("import", "--agency", AGENCY, "--as-of", as_of, "--shift-to", self.day, "--full", copy, good=(0, 3))
        r = self.db.row("""select rows_total, rows_good, trunc(sum_minor / 100) as sum from import_file""")
        say(f"portfolio: {grouped(r['rows_good'])} of {grouped(r['rows_total'])} accounts, IDR {grouped(r['sum'])} in arrears, "
            f"{time.monotonic() - begun:.1f} s")

    def plan_day(self):
        targets = self.folder / "targets.csv"
        month = self.day.strftime("%Y-%m")
        lines = [f"{self.login(i)},{month},{12_000_000 + 8_000_000 * (i % 8)}\n" for i in range(self.options.phones)]
        targets.write_text("login,month,amount\n" + "".join(lines), encoding="utf-8")
        self.tagihd("import-targets", "--agency", AGENCY, "--made-by", SUPERVISOR, "--approved-by", MANAGER, targets)
        self.tagihd("plan", "--agency", AGENCY, "--day", self.day, "--per-collector", self.options.visits, "--seed",
                    self.options.seed, "--collectors", ",".join(self.login(i) for i in range(self.options.phones)), good=(0, 3))
        n = self.db.number("select count(*) from visit")
        say(f"planned: {grouped(n)} visits on {self.day:%A, %Y-%m-%d}, {self.options.phones} targets approved")

    # ---- the server and its edge ---------------------------------------------------------------------------------

    def start_server(self, shifted=True):
        with open(self.log, "ab") as log:
            self.server = subprocess.Popen(
                [self.build / "server/tagihd", "serve", "--socket", self.socket, "--listen", self.listen, "--calls-per-s", "0",
                 "--log", "info"], env=self.environment(shifted), stdout=log, stderr=log)
        deadline = time.monotonic() + 20
        while not self.is_served():
            if self.server.poll() is not None or time.monotonic() > deadline:
                sys.exit("demo: the server did not start:\n" + self.log.read_text()[-2000:])
            time.sleep(0.02)

    def is_served(self):
        """A socket that is there may be left over from a server that was killed."""
        with socket.socket(socket.AF_UNIX) as one:
            return one.connect_ex(str(self.socket)) == 0

    def must_be_served(self):
        """Nothing is shown of a server that is gone."""
        if self.server and self.server.poll() is not None:
            code, self.server = self.server.returncode, None
            sys.exit(f"demo: the server {how_it_ended(code)} in the middle of it; nothing of this run counts. {self.last_words()}")

    def last_words(self):
        """What the server said last, without its line a call."""
        log = self.log.read_text(encoding="utf-8", errors="replace").splitlines()
        lines = [line for line in log if '"event":"call"' not in line][-5:]
        return "\n".join(["The last lines of its log:", *lines])

    def must_be_whole(self):
        """Server and database are there; asked when something went wrong, so that its cause is named and not what follows."""
        self.must_be_served()
        try:
            self.db.number("select 1")
        except RuntimeError as error:
            sys.exit(f"demo: the database does not answer; nothing of this run counts. {str(error).splitlines()[0]}")

    def stop_server(self):
        if not self.server:
            return True
        self.server.send_signal(signal.SIGTERM)
        code = self.server.wait(timeout=30)
        self.server = None
        return code == 0

    def start_edge(self):
        state = self.folder / "state"
        port = self.script("tests/support/edge.sh", "start", self.folder / "edge", self.socket,
                           state / "server.pem", state / "server.key")
        self.edge_runs = True
        self.target = f"localhost:{port}"
        say(f"tagihd on a unix socket, nginx with TLS in front: {self.target}")

    # ---- the day -------------------------------------------------------------------------------------------------

    def fieldday(self, outcomes, out):
        """The program of the phones, but for how they reach the server."""
        installation = self.db.row("select installation_id from installation")["installation_id"]
        return [self.build / "tests/sim/fieldday", "--target", self.target,
                "--installation", installation, "--collectors", self.folder / "collectors.tsv", "--supervisor", SUPERVISOR,
                "--outcomes", outcomes, "--clock", self.folder / "clock", "--out", out, "--seed", str(self.options.seed),
                "--morning-us", str(int(self.at(7).timestamp()) * 1_000_000)]

    def run_day(self, outcomes):
        say(f"the day of {self.options.phones} phones")
        self.phones = subprocess.Popen([*self.fieldday(outcomes, self.folder), "--ca", self.folder / "state/ca.pem"],
                                       env=self.environment(False))
        while True:
            try:
                return self.phones.wait(timeout=0.5)
            except subprocess.TimeoutExpired:
                self.must_be_served()

    def report(self):
        title = (f"FIELD DAY  {self.day:%A, %Y-%m-%d}  ·  {AGENCY}  ·  {self.options.phones} phones  ·  "
                 f"seed {self.options.seed}")
        return subprocess.run([self.python, "-B", SIM / "report.py", "--database", self.database, "--day", self.folder,
                               "--title", title, "--count", self.folder / "count"], check=False).returncode

    # ---- the office's own month ----------------------------------------------------------------------------------

    def simulated_now(self):
        offset_us, = struct.unpack("<q", (self.folder / "clock").read_bytes())
        return datetime.now(timezone.utc) + timedelta(microseconds=offset_us)

    def tell(self, part, title):
        print(f"\n{title}\n{'─' * WIDTH}")
        self.count(*stories.run(part, Desk(self, self.folder / "state/ca.pem")))

    def count(self, passed, failed):
        self.passed, self.failed = self.passed + passed, self.failed + failed

    def jump(self, day, hour):
        """Days pass: the server is away, and what waits for its time is done when it comes back."""
        self.must_be_served()
        if not self.stop_server():
            sys.exit(f"demo: the server did not end as it should when it was told to. {self.last_words()}")
        self.set_clock(datetime(day.year, day.month, day.day, hour, tzinfo=JAKARTA))
        self.start_server()

    def work_on(self):
        self.passed, self.failed = map(int, (self.folder / "count").read_text(encoding="ascii").split())
        self.tell("day", f"THE OFFICE, THE EVENING OF {self.day:%A}".upper())
        bank, later = (working_day_from(self.day + timedelta(days=n)) for n in (2, 20))
        self.jump(bank, 10)
        self.tell("bank", f"THE BANK'S STATEMENT, {bank:%A, %Y-%m-%d}".upper())
        self.jump(later, 10)
        self.tell("weeks", f"THREE WEEKS LATER, {later:%A, %Y-%m-%d}".upper())
        closing = (self.day.replace(day=1) + timedelta(days=32)).replace(day=12)
        closing = max(closing, later + timedelta(days=1))
        self.jump(closing, 9)
        self.tell("close", f"THE MONTH'S CLOSE, {closing:%A, %Y-%m-%d}".upper())
        self.tell("after", "AFTER THE CLOSE")
        self.prove()
        print(f"\n{self.passed} passed, {self.failed} failed", flush=True)
        return self.failed

    def prove(self):
        """Everything that stands in the books now is worked out again: by a program of its own, then by the server's."""
        print(f"\nTHE PROOF: THE BOOKS WORKED OUT AGAIN FROM THEIR ROWS\n{'─' * WIDTH}")
        self.count(*books.compute_again(self.db))
        said = self.tagihd("verify", "--agency", AGENCY, good=(0, 1)).strip().splitlines() or ["it said nothing"]
        holds = " 0 differences" in said[-1]
        if not holds:
            print("\n".join(said[:40]))
        verdict(holds, "tagihd verify: every signature, digest, chain and balance against the facts", said[-1])
        self.count(int(holds), int(not holds))

    def stay(self):
        self.stop_server()
        self.start_server(shifted=False)
        print(f"\nThe server is up, on the real clock, until Ctrl-C:\n"
              f"  gRPC      https://{self.target}      CA {self.folder}/state/ca.pem\n"
              f"  login     {SUPERVISOR}, password {self.password}\n"
              f"  database  psql '{self.database} user=tagih_read'\n  log       {self.folder}/tagihd.log", flush=True)
        try:
            signal.pause()
        except KeyboardInterrupt:
            print()

    def run(self):
        self.make_office()
        portfolio, outcomes, as_of = self.make_portfolio()
        self.import_portfolio(portfolio, as_of)
        self.plan_day()
        self.start_server()
        self.start_edge()
        day = self.run_day(outcomes)
        self.must_be_whole()
        if day not in (0, 3):
            sys.exit(f"demo: the phones' day {how_it_ended(day)}")
        self.report()
        failed = self.work_on()
        if self.options.stay:
            self.stay()
        return 1 if day or failed else 0

    def close(self):
        """What was started is stopped, however this ends."""
        if self.phones and self.phones.poll() is None:
            self.phones.kill()
            self.phones.wait()
        if self.server:
            try:
                self.stop_server()
            except subprocess.TimeoutExpired:
                self.server.kill()
        if self.edge_runs:
            self.script("tests/support/edge.sh", "stop", self.folder / "edge")
        if os.environ.get("SIM_KEEP"):
            print(f"kept: {self.folder}")
        else:
            shutil.rmtree(self.folder, ignore_errors=True)


def read_options():
    parser = argparse.ArgumentParser(prog="./build.sh demo", description=__doc__.splitlines()[0])
    parser.add_argument("--portfolio", type=Path, help="a creditor's file (default: 5 000 generated accounts)")
    parser.add_argument("--outcomes", type=Path, help="what each debtor really paid; goes with --portfolio")
    parser.add_argument("--phones", type=int, default=40, help="1 to 200 (default 40)")
    parser.add_argument("--visits", type=int, default=25, help="planned for each phone, 1 to 100 (default 25)")
    parser.add_argument("--seed", type=int, default=1, help="another seed, another day (default 1)")
    parser.add_argument("--stay", action="store_true", help="leave the server up at the end, until Ctrl-C")
    options = parser.parse_args(namespace=argparse.Namespace(accounts=5000))
    if bool(options.portfolio) != bool(options.outcomes):
        parser.error("--portfolio and --outcomes go together")
    for path in (options.portfolio, options.outcomes):
        if path and not path.is_file():
            parser.error(f"{path} is not a file")
    if not 1 <= options.phones <= 200 or not 1 <= options.visits <= 100 or options.seed < 0:
        parser.error("--phones 1 to 200, --visits 1 to 100, --seed 0 or more")
    for variable in ("TAGIH_PG", "TAGIH_BUILD"):
        if variable not in os.environ:
            parser.error(f"{variable} is not set: start it by ./build.sh demo")
    return options


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        sys.exit(Demo(read_options()).run())
    except KeyboardInterrupt:
        sys.exit(130)
    except (RuntimeError, OSError) as error:  # the database is gone, the disk is full, a folder cannot be written
        sys.exit(f"demo: {next(iter(str(error).splitlines()), type(error).__name__)}; nothing of this run counts")
