#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The rates of Tagih against plain SQL on the same database. ./build.sh bench runs it (README.md says how to read it).

Ours and the two references take turns, round by round; the ratio is the median of the rounds' ratios, because the
machine itself is not steady. After every round the rows written per call and table are compared: a side that wrote
less did not do the same work, and the bench fails.
"""
import argparse
import json
import os
import resource
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

import books
from tools import HERE, LOAD, PG_BIN, TAGIHD, TREE, Failed, conninfo_of, last_json, run, say

COLLECTORS, VISITS_EACH = 2000, 20
VISITS = COLLECTORS * VISITS_EACH
IN_FLIGHT = (64, 256, 1024)
CLIENTS = (8, 16, 32)
CONNECTIONS = 32
WARM_S = 4  # a reference's rate still climbs for that long: its caches and plans are per client
PLANNER = ("-c plan_cache_mode=force_generic_plan -c enable_seqscan=off -c enable_hashjoin=off -c enable_mergejoin=off "
           "-c jit=off")


# ---- the database ----------------------------------------------------------------------------------------------


class Database:
    """One portfolio, in a database of its own on the private cluster."""

    def __init__(self, conninfo, accounts, scratch):
        self.name = f"bench_{accounts}"
        self.accounts = accounts
        self.admin = conninfo_of(conninfo, self.name)
        self.app = conninfo_of(conninfo, self.name, "tagih_app")
        self.scratch = scratch
        self.postgres = conninfo

    def make(self):
        began = time.monotonic()
        run(["psql", "-qX", "-c", f"create database {self.name}", self.postgres])
        run([TAGIHD, "migrate", "--owner-url", self.admin])
        run(["psql", "-qX", "-v", f"accounts={self.accounts}", "-v", f"collectors={COLLECTORS}",
             "-f", os.path.join(HERE, "data.sql"), self.admin])
        self.installation = self.value("select installation_id from installation")
        self.today = self.value("select (now() at time zone 'Asia/Jakarta')::date")
        self.phones = os.path.join(self.scratch, f"{self.name}.phones")
        rows = run([LOAD, "certificates", "--keys", os.path.join(self.scratch, "keys"), "--installation",
                    self.installation, "--devices", str(COLLECTORS), "--state", self.phones])
        run(["psql", "-qX", "-c", "copy device_key (agency_id, device_id, epoch, user_id, public_key, valid_from_us, "
             "certificate, certificate_hash) from stdin", self.admin], input=rows)
        say(f"   {self.accounts:,} accounts, {VISITS:,} visits, {COLLECTORS:,} phones: "
            f"{self.value('select pg_size_pretty(pg_database_size(current_database()))')}, "
            f"{time.monotonic() - began:.0f} s")

    def value(self, sql):
        return run(["psql", "-qXAt", "-c", sql, self.admin]).strip()

    def quiet(self):
        """Statistics of a backend are complete once it has gone."""
        while self.value("select count(*) from pg_stat_activity where usename = 'tagih_app'") != "0":
            time.sleep(0.05)

    def counters(self):
        self.quiet()
        rows = self.value("select relname, n_tup_ins, n_tup_upd from pg_stat_user_tables order by 1")
        tables = {t: (int(i), int(u)) for t, i, u in (line.split("|") for line in rows.splitlines())}
        # A seal holds the digests of all rows of its statement: the rows that it seals are what both sides must share.
        tables["seal"] = (int(self.value("select coalesce(sum(length(digests) / 32), 0) from seal")), 0)
        # So does a row of fixes with those of all check-ins that came together, in the table of its month.
        tables = {t: n for t, n in tables.items() if not t.startswith("check_in_fix_")}
        tables["check_in_fix"] = (int(self.value("select coalesce(sum(length(fixes) / 46), 0) from check_in_fix")), 0)
        return tables, int(self.value("select pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')"))

    def facts(self):
        return set(self.value("select tgrelid::regclass from pg_trigger where tgname = 'fact'").splitlines())

    def settle(self):
        """Plans are made from statistics of tables in use; nobody's round pays for another's dirty pages."""
        self.value("checkpoint")
        os.sync()

    def analyze(self):
        self.value("vacuum analyze")


def written(before, after, calls):
    """Rows per call: {table: (inserted, updated)}, WAL bytes per call."""
    rows = {}
    for table, (inserted, updated) in after[0].items():
        was = before[0].get(table, (0, 0))
        if inserted != was[0] or updated != was[1]:
            rows[table] = ((inserted - was[0]) / calls, (updated - was[1]) / calls)
    return rows, (after[1] - before[1]) / calls


# ---- the server ------------------------------------------------------------------------------------------------


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def many_files():
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)


class Server:
    """A tagihd on a database, for one round."""

    def __init__(self, database, environment=None):
        self.database, self.environment = database, environment or {}
        self.port = free_port()
        self.keys = os.path.join(database.scratch, "keys")
        self.state = os.path.join(database.scratch, "state")
        self.socket = os.path.join(database.scratch, "edge.sock")

    def __enter__(self):
        self.log = open(os.path.join(self.database.scratch, "server.log"), "ab")
        command = [TAGIHD, "serve", "--database-url", self.database.app, "--keys-dir", self.keys, "--state-dir",
                   self.state, "--listen", f"127.0.0.1:{self.port}", "--socket", self.socket]
        self.started_us = time.monotonic_ns() // 1000
        self.process = subprocess.Popen(command, stderr=self.log, preexec_fn=many_files,
                                        env={**{k: v for k, v in os.environ.items() if not k.startswith("TAGIH_")},
                                             **self.environment})
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        try:
            code = self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            code = -9
        self.log.close()
        if code != 0:
            raise Failed(f"the server ended with {code}; its log is {self.log.name}")

    def wait(self):
        until = time.monotonic() + 15
        while time.monotonic() < until:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            if self.process.poll() is not None:
                break
            time.sleep(0.01)
        raise Failed(f"the server does not come up; its log is {self.log.name}")

    def rss_mib(self):
        with open(f"/proc/{self.process.pid}/status", encoding="ascii") as status:
            kib = next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))
        return kib / 1024

    def load_command(self, work, options, port=None):
        command = [LOAD, work, "--port", str(port or self.port), "--ca", os.path.join(self.state, "ca.pem"), "--keys",
                   self.keys, "--installation", self.database.installation, "--devices", str(COLLECTORS),
                   "--connections", str(CONNECTIONS), "--state", self.database.phones, "--accounts", str(self.database.accounts)]
        for name, value in options.items():
            command += [f"--{name.replace('_', '-')}", str(int(value))]
        return command

    def load(self, work, port=None, **options):
        return last_json(run(self.load_command(work, options, port), preexec_fn=many_files))


class Edge:
    """The deployed nginx in front of a server's socket."""

    script = os.path.join(TREE, "tests", "support", "edge.sh")

    def __init__(self, server):
        self.server = server
        self.folder = os.path.join(server.database.scratch, "edge")

    def __enter__(self):
        state = self.server.state
        self.port = int(run([self.script, "start", self.folder, self.server.socket, os.path.join(state, "server.pem"),
                             os.path.join(state, "server.key")], preexec_fn=many_files,
                            env={**os.environ, "TAGIH_EDGE_RATE": "1000000"}).strip())
        return self

    def __exit__(self, *_):
        run([self.script, "stop", self.folder])


# ---- the references --------------------------------------------------------------------------------------------


def unroll(lines):
    """What stands between "-- each" and "-- end" once for every receipt of a call: {i} is its number."""
    out, block = [], None
    for line in lines:
        if line == "-- each":
            block = []
        elif line == "-- end":
            out += [text.replace("{i}", str(i)) for i in range(VISITS_EACH) for text in block]
            block = None
        else:
            (out if block is None else block).append(line)
    return out


def reference_script(name, pipelined, scratch):
    """(b) is (a) with everything below the \\set lines in one pipeline: one text, so that they cannot differ."""
    with open(os.path.join(HERE, f"{name}.sql"), encoding="utf-8") as text:
        lines = unroll(text.read().rstrip("\n").split("\n"))
    if pipelined:
        first = 1 + max(i for i, line in enumerate(lines) if line.startswith("\\set"))
        lines = [*lines[:first], "\\startpipeline", *lines[first:], "\\endpipeline"]
    path = os.path.join(scratch, f"{name}{'_pipelined' if pipelined else ''}.sql")
    with open(path, "w", encoding="utf-8") as out:
        out.write("\n".join(lines) + "\n")
    return path


def pgbench(database, script, clients, seconds, warm_s=WARM_S):
    """The mean of the seconds after the warm-up, in which every client plans every statement of the script once.

    The planner's settings are those of our own connections (store/db.c): five custom plans for each statement of a long
    script would be most of a short turn, and keys are always found by index.
    """
    seconds = max(1, round(seconds))
    text = run(["pgbench", "-n", "-M", "prepared", "-P", "1", "-f", script, "-c", str(clients), "-j", "2", "-T",
                str(seconds + warm_s), "-D", "n=0", "-D", f"base_us={time.time_ns() // 1000}", "-D", f"visits={VISITS}", "-D",
                f"accounts={database.accounts}", "-D", f"today={database.today}", "-D", "body=\\x" + "a7" * 341, database.app],
               env={**os.environ, "PGOPTIONS": PLANNER}, both=True)
    found, tps = {}, []
    for line in text.splitlines():
        words = line.split()
        if line.startswith("progress: ") and float(words[1]) > warm_s + 0.5:
            tps.append(float(words[3]))
        elif line.startswith("number of transactions actually processed:"):
            found["ok"] = int(words[5].split("/")[0])
        elif line.startswith("number of failed transactions:"):
            found["failed"] = int(words[4])
    if found["failed"]:
        raise Failed(f"the reference {script} failed {found['failed']} times")
    found["rate"] = statistics.mean(tps)
    return found


# ---- a measure: ours and the references, round by round --------------------------------------------------------


class Measure:
    def __init__(self, name, work, script, unit, items=1, prepared_per_s=0, in_flight=IN_FLIGHT, plan_s=1):
        self.name, self.work, self.script, self.unit = name, work, script, unit
        self.items = items  # per call
        self.prepared_per_s = prepared_per_s  # calls to sign beforehand for a second of load
        self.in_flight = in_flight
        self.plan_s = plan_s  # until 64 clients of the reference have planned every statement of its script
        self.folded = {}  # projections that ours writes once for many calls, in rows a call
        self.sides = {}

    def ours(self, database, in_flight, seconds, **options):
        options = {"in_flight": in_flight, "window_ms": seconds * 1000, "prepared": self.prepared_per_s * (seconds + 1), **options}
        with Server(database) as server:
            server.wait()
            result = server.load(self.work, **options)
        if result["failed"]:
            raise Failed(f"{self.name}: {result['failed']} calls failed")
        return result

    def side(self, database, which, setting, seconds, warm_s=WARM_S):
        """One turn of one side: rate in items, rows and WAL per call."""
        database.settle()
        before = database.counters()
        if which == "ours":
            result = self.ours(database, setting, seconds)
            rate = result["item_rate"]
        else:
            script = reference_script(self.script, which == "pipelined", database.scratch)
            result = pgbench(database, script, setting, seconds, warm_s)
            rate = result["rate"] * self.items
        rows, wal = written(before, database.counters(), result["ok"])
        return {"rate": rate, "rows": rows, "wal": wal, "result": result}

    def calibrate(self, database, seconds, sides):
        """The best number of calls in flight, of clients: each side gets its own."""
        for which in sides:
            tries = self.in_flight if which == "ours" else CLIENTS
            rates = {n: self.side(database, which, n, seconds, warm_s=max(1, n * self.plan_s // 64))["rate"] for n in tries}
            self.sides[which] = max(rates, key=rates.get)
            say(f"   {self.name}, {which}: " + ", ".join(f"{n}: {r:,.0f}" for n, r in rates.items()))

    def compare_rows(self, database, turns):
        facts = database.facts()
        first = turns["ours"]["rows"]
        for which, turn in turns.items():
            for table in sorted(set(first) | set(turn["rows"])):
                mine, theirs = first.get(table, (0, 0)), turn["rows"].get(table, (0, 0))
                if abs(sum(mine) - sum(theirs)) <= 0.001 * max(sum(mine), sum(theirs)):
                    continue
                if table in facts:
                    raise Failed(f"{self.name}: {table}: ours {sum(mine):.3f}, {which} {sum(theirs):.3f} rows a call")
                self.folded[table] = {"ours": round(sum(mine), 3), "reference": round(sum(theirs), 3)}

    def rounds(self, database, rounds, seconds, sides):
        turns = []
        for number in range(rounds):
            turn = {which: self.side(database, which, self.sides[which], seconds) for which in sides}
            self.compare_rows(database, turn)
            turns.append(turn)
            say(f"   {self.name}, round {number + 1}: " + ", ".join(
                f"{which} {t['rate']:,.0f}/s ({t['wal']:,.0f} WAL bytes a call)" for which, t in turn.items()))
        for projection, rows in self.folded.items():
            say(f"   {self.name}: {projection} is folded: ours {rows['ours']}, the reference {rows['reference']} rows a call")
        return turns

    def report(self, turns):
        def middle(which):
            return statistics.median(t[which]["rate"] for t in turns)

        def ratio(which):
            return statistics.median(t["ours"]["rate"] / t[which]["rate"] for t in turns) if which in turns[0] else None

        rows = turns[-1]["ours"]["rows"]
        return {"ratio": ratio("reference"), "ratio_pipelined": ratio("pipelined"), "ours": middle("ours"),
                "reference": middle("reference"), "unit": self.unit, "settings": self.sides, "folded": self.folded,
                "rows_per_call": {t: [round(x, 3) for x in r] for t, r in rows.items()},
                "wal_bytes_per_call": {w: round(turns[-1][w]["wal"]) for w in turns[-1]},
                "rounds": [{w: round(t[w]["rate"], 1) for w in t} for t in turns]}


MEASURES = {
    "check_in": Measure("check_in", "check-in", "check_in", "calls/s"),
    "sync": Measure("sync", "push", "push", "receipts/s", items=20, prepared_per_s=800, in_flight=(16, 64, 256), plan_s=8),
    "day_pull": Measure("day_pull", "pull", "pull", "pulls/s"),
}
SIDES = ("ours", "reference", "pipelined")
PARTS = (*MEASURES, "memory", "start", "scale", "books")


def latency(measure, database, rate, seconds):
    """At half of what it can do, arrivals on a schedule: a call that waits to be sent counts its waiting."""
    result = measure.ours(database, 1024, seconds, rate=max(1, rate / measure.items / 2))
    return {"p50_ms": result["p50_ms"], "p99_ms": result["p99_ms"], "at": result["item_rate"]}


def most_memory(server, port):
    options = {"in_flight": 200, "connections": 200, "idle": 1000, "window_ms": 4000}
    with subprocess.Popen(server.load_command("check-in", options, port), stdout=subprocess.PIPE, text=True,
                          preexec_fn=many_files) as load:
        most = 0
        while load.poll() is None:
            most = max(most, server.rss_mib())
            time.sleep(0.05)
        text = load.stdout.read()
    if load.returncode != 0 or last_json(text)["idle_lost"]:
        raise Failed(f"memory: calls failed or idle connections were closed: {text.strip() or 'no report'}")
    return round(most, 1)


def memory(database):
    """The server's memory with 1 000 idle and 200 busy phones: as deployed, behind its edge; and, to know it, direct."""
    behind = None
    try:
        with Server(database) as server:
            server.wait()
            with Edge(server) as edge:
                behind = most_memory(server, edge.port)
    except Failed as failure:
        say(f"   behind nginx: {failure}")
    with Server(database) as server:
        server.wait()
        direct = most_memory(server, server.port)
    say(f"   behind nginx {behind} MiB, with TLS in the server {direct} MiB")
    return {"value": direct, "behind_edge": behind, "unit": "MiB", "rounds": [direct]}


def through_edge(measure, database, seconds):
    """For information: phones reach the server through nginx."""
    with Server(database) as server:
        server.wait()
        with Edge(server) as edge:
            # nginx lets 32 calls run on a connection
            result = server.load(measure.work, edge.port, in_flight=256, window_ms=seconds * 1000)
    say(f"   {measure.name} through nginx: {result['item_rate']:,.0f}/s")
    return result["item_rate"]


def start(database):
    times = []
    for _ in range(3):
        with Server(database) as server:
            result = server.load("check-in", in_flight=1, first_since_us=server.started_us)
            times.append(result["first_ms"] / 1000)
    return {"value": statistics.median(times), "unit": "s", "rounds": times}


def scale(measures, small, large, rounds, seconds):
    """Ours on ten times the accounts: the same visits, spread wider."""
    found = {}
    for measure in measures:
        ratios = []
        for _ in range(rounds):
            rates = [measure.side(d, "ours", measure.sides["ours"], seconds)["rate"] for d in (small, large)]
            ratios.append(rates[1] / rates[0])
            say(f"   {measure.name}: {rates[0]:,.0f}/s with {small.accounts:,}, {rates[1]:,.0f}/s with {large.accounts:,}")
        found[measure.name] = round(statistics.median(ratios), 3)
    return {"value": min(found.values()), "unit": "rate with 1 000 000 accounts / with 100 000", "rounds": found}


# ---- the whole -------------------------------------------------------------------------------------------------

AIMS = [("check_in", "ratio", 2.0), ("check_in", "ratio_pipelined", 1.2), ("sync", "ratio", 4.0),
        ("sync", "ratio_pipelined", 2.0), ("day_pull", "ratio", 0.8), ("memory", "value", -64), ("start", "value", -0.5),
        ("scale", "value", 0.8)]


def disk(conninfo):
    where = run(["psql", "-qXAt", "-c", "show data_directory", conninfo]).strip()
    kind = run(["df", "--output=fstype", os.path.dirname(where)]).split()[-1]
    say(f"   {where} lies on {kind}")
    if kind in ("tmpfs", "ramfs"):
        raise Failed("a database in memory says nothing: put it on a disk (TAGIH_PG_ROOT)")
    for name in ("fsync", "full_page_writes", "synchronous_commit"):
        if run(["psql", "-qXAt", "-c", f"show {name}", conninfo]).strip() != "on":
            raise Failed(f"{name} is not on")
    text = run([f"{PG_BIN}/pg_test_fsync", "-s", "1", "-f", os.path.join(os.path.dirname(where), "pg_test_fsync.out")])
    for line in text.splitlines():
        if "fdatasync" in line and "ops/sec" in line:
            say("   pg_test_fsync: " + " ".join(line.split()))
            break


def table(found):
    met = 0
    say(f"\n{'':12}{'ours':>12}{'plain SQL':>12}{'ratio':>8}{'pipelined':>11}{'p50 ms':>9}{'p99 ms':>9}  unit")
    for name, m in found.items():
        if "ours" not in m:
            say(f"{name:12}{m['value']:>12.2f}{'':52}  {m['unit']}")
            continue
        late = m.get("latency")
        beside = f"{m['ratio_pipelined'] or 0:>11.2f}{late['p50_ms']:>9.2f}{late['p99_ms']:>9.2f}" if late else " " * 29
        say(f"{name:12}{m['ours']:>12,.0f}{m['reference']:>12,.0f}{m['ratio']:>8.3f}{beside}  {m['unit']}")
    say("")
    for name, key, aim in AIMS:
        value = found.get(name, {}).get(key)
        good = value is not None and (value <= -aim if aim < 0 else value >= aim)
        met += good
        say(f"{'met   ' if good else 'missed'} {name} {key} {'≤' if aim < 0 else '≥'} {abs(aim)}: "
            f"{'not measured' if value is None else format(value, '.2f')}")
    say(f"aims met: {met} of {len(AIMS)}")


def parse():
    parser = argparse.ArgumentParser(prog="./build.sh bench", description=__doc__.splitlines()[0])
    parser.add_argument("--json", metavar="FILE", help="write the figures there as well")
    parser.add_argument("--only", metavar="NAMES", default="", help="comma separated: " + ", ".join(PARTS))
    parser.add_argument("--books", metavar="N", type=int, default=400_000,
                        help="receipts of the books (500000: what fits into 15 minutes beside all others)")
    parser.add_argument("--seconds", type=float, default=5, help="length of a turn (5)")
    parser.add_argument("--rounds", type=int, default=3, help="rounds (3)")
    return parser.parse_args()


def make(database, conninfo):
    """One after the other, each just before it is measured: what another's making left to be written slows everybody."""
    def autovacuum(state):
        for sql in (f"alter system set autovacuum = {state}", "select pg_reload_conf()"):
            run(["psql", "-qX", "-c", sql, conninfo])

    autovacuum("off")
    database.make()
    autovacuum("on")


def bench(options, scratch):
    conninfo = os.environ.get("TAGIH_PG")
    if not conninfo:
        raise Failed("TAGIH_PG names no cluster; ./build.sh bench starts one")
    wanted = set(options.only.split(",")) if options.only else set(PARTS)
    if not wanted <= set(PARTS):
        raise Failed(f"--only knows {', '.join(PARTS)}")
    say("== disk")
    disk(conninfo)
    for purpose in ("token", "device", "ack", "document"):
        run([TAGIHD, "key", "new", purpose, "--keys-dir", os.path.join(scratch, "keys")])
    small = Database(conninfo, 100_000, scratch)
    if wanted != {"books"}:
        say("== data")
        small.make()
    month = books.Books(conninfo, scratch, options.books)
    found, chosen = {}, [m for name, m in MEASURES.items() if name in wanted]
    for measure in chosen:
        say(f"== {measure.name}")
        small.analyze()
        measure.ours(small, 16, 2)
        small.analyze()
        measure.calibrate(small, 2, SIDES)
        turns = measure.rounds(small, options.rounds, options.seconds, SIDES)
        found[measure.name] = measure.report(turns)
        if measure.name == "check_in":
            found[measure.name]["through_edge"] = through_edge(measure, small, 4)
        found[measure.name]["latency"] = latency(measure, small, found[measure.name]["ours"], 5)
    for name, what in (("memory", memory), ("start", start)):
        if name in wanted:
            say(f"== {name}")
            found[name] = what(small)
    if "scale" in wanted and chosen:
        say("== scale")
        large = Database(conninfo, 1_000_000, scratch)
        make(large, conninfo)
        large.analyze()
        for measure in chosen:
            measure.ours(large, 16, 2)
        large.analyze()
        found["scale"] = scale(chosen, small, large, min(options.rounds, 2), min(options.seconds, 4))
    if "books" in wanted:
        say("== books")
        make(month, conninfo)
        found.update(books.measure(month))
    return found


def main():
    options = parse()
    began = time.monotonic()
    os.umask(0o077)
    with tempfile.TemporaryDirectory(prefix="tagih-bench.") as scratch:
        try:
            found = bench(options, scratch)
        except Failed as failure:
            say(f"bench: {failure}")
            return 1
    if options.json:
        with open(options.json, "w", encoding="utf-8") as out:
            json.dump(found, out, indent=1)
    table(found)
    say(f"took {time.monotonic() - began:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
