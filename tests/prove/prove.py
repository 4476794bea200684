#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Prove that Tagih is safe: simulate, break, attack, measure; one table at the end. Run by ./build.sh prove.

Each proof is a program of its own that appends its rows to a report; a spec without a report counts its tests. A proof
that ends badly, or says nothing, is a failure, whatever it had counted. README.md says what each of them does.
"""
import argparse
import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

TREE = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TREE / "tests/support"))
sys.path.insert(0, str(TREE / "tests/prove"))
import count_tests  # noqa: E402
from proofs import PROOFS  # noqa: E402

BUILD = Path(os.environ.get("TAGIH_BUILD", TREE / "build/gcc"))
WORK = TREE / "build/prove"
BEAT_S = 30
LINE_MAX = 96


def say(text):
    print(text, flush=True)


def clock(seconds):
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"


def grouped(number):
    return f"{number:,}".replace(",", " ")


class Run:
    """One proof, while it runs and after."""

    def __init__(self, proof, scale):
        self.proof, self.name = proof, proof.name
        self.log, self.report = WORK / f"{proof.name}.log", WORK / f"{proof.name}.rows"
        self.report.unlink(missing_ok=True)
        self.command, extra = proof.command(scale, str(self.report), str(BUILD))
        self.env = os.environ | {"TAGIH_TEST_PG": os.environ["TAGIH_PG"], "TAGIH_TEST_BUILD": str(BUILD),
                                 "TAGIH_TEST_SOURCE": str(TREE), "TAGIH_REPORT": str(self.report)} | extra
        self.seconds, self.rows, self.process = 0.0, [], None

    def start(self):
        self.began = time.monotonic()
        with open(self.log, "w", encoding="utf-8") as log:
            self.process = subprocess.Popen(self.command, cwd=TREE, env=self.env, stdin=subprocess.DEVNULL, stdout=log,
                                            stderr=subprocess.STDOUT, start_new_session=True)

    def wait(self):
        code = self.process.wait()
        self.seconds = time.monotonic() - self.began
        self.rows = self.read_rows()
        if not self.rows:
            self.rows = [self.count_spec(code)] if self.proof.spec else [self.bad_row(code)]
        elif code and not any(row["failures"] for row in self.rows):
            self.rows.append(self.bad_row(code))

    def read_rows(self):
        if not self.report.is_file():
            return []
        return [json.loads(line) for line in self.report.read_text(encoding="utf-8").splitlines() if line.strip()]

    def bad_row(self, code):
        return {"test": self.name, "count": 0, "unit": "runs", "faults": 0, "checks": 0, "invariants": "", "failures": 1,
                "note": f"ended with {code}; its log is {self.log.relative_to(TREE)}"}

    def count_spec(self, code):
        """Its tests are what it counts: each is one check of one thing."""
        record = {"stdout": self.log.read_text(encoding="utf-8", errors="replace"), "result": "FAIL" if code else "OK"}
        passed, failed, skipped = count_tests.count(record)
        note = f"{skipped} skipped" if skipped else ""
        return {"test": self.proof.title, "count": passed + failed, "unit": "tests", "faults": 0, "checks": passed + failed,
                "invariants": self.proof.invariants, "failures": failed, "note": note}

    def last_line(self):
        try:
            lines = self.log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        except OSError:
            return ""
        return lines[-1].strip()[:LINE_MAX] if lines else ""

    def stop(self):
        if self.process and self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGTERM)


def summary(row):
    faults = f", {grouped(row['faults'])} faults" if row["faults"] else ""
    checks = f", {grouped(row['checks'])} checks" if row["checks"] else ""
    return f"{grouped(row['count'])} {row['unit']}{faults}{checks}, {grouped(row['failures'])} failures"


class Session:
    """All proofs of one call: two beside each other where none minds, the others alone."""

    def __init__(self, runs):
        self.todo, self.all = list(runs), runs
        self.running, self.lock, self.stopped = [], threading.Condition(), False
        self.began = time.monotonic()

    def may_start(self, run):
        if not self.running:
            return True
        return len(self.running) < 2 and not run.proof.alone and not self.running[0].proof.alone

    def next_run(self):
        """Those that stand beside others first; in their own order otherwise."""
        for run in sorted(self.todo, key=lambda r: r.proof.alone):
            if self.may_start(run):
                return run
        return None

    def finish(self, run):
        run.wait()
        with self.lock:
            self.running.remove(run)
            if not self.stopped:
                bad = any(row["failures"] for row in run.rows)
                for row in run.rows:
                    say(f"   {row['test']}: {summary(row)} ({clock(run.seconds)})")
                if bad:
                    say("".join(f"     | {line}\n" for line in tail(run.log, 15)).rstrip("\n"))
            self.lock.notify_all()

    def beat(self):
        for run in self.running:
            say(f"   … {run.name} {clock(time.monotonic() - run.began)}: {run.last_line()}")

    def go(self):
        with self.lock:
            while (self.todo or self.running) and not self.stopped:
                run = self.next_run()
                if run:
                    self.todo.remove(run)
                    self.running.append(run)
                    say(f"== {run.proof.title}")
                    run.start()
                    threading.Thread(target=self.finish, args=(run,), daemon=True).start()
                elif not self.lock.wait(BEAT_S):
                    self.beat()

    def stop(self, *_):
        self.stopped = True
        for run in self.running:
            run.stop()
        for run in self.running:
            try:
                run.process.wait(10)
            except subprocess.TimeoutExpired:
                os.killpg(run.process.pid, signal.SIGKILL)
        say("prove: stopped")
        os._exit(130)


def tail(path, n):
    try:
        return path.read_text(encoding="utf-8", errors="replace").splitlines()[-n:]
    except OSError:
        return []


def table(rows):
    heads = ("test", "count", "faults injected", "invariants checked", "checks", "failures")
    cells = [(r["test"], f"{grouped(r['count'])} {r['unit']}", grouped(r["faults"]), r["invariants"], grouped(r["checks"]),
              grouped(r["failures"])) for r in rows]
    widths = [max(len(line[i]) for line in [heads, *cells]) for i in range(len(heads))]
    right = (False, True, True, False, True, True)

    def line(values):
        return "  ".join(v.rjust(w) if r else v.ljust(w) for v, w, r in zip(values, widths, right)).rstrip()

    say("")
    say(line(heads))
    say(line(["-" * w for w in widths]))
    for values in cells:
        say(line(values))
    notes = [(r["test"], r["note"]) for r in rows if r.get("note")]
    if notes:
        say("")
    for test, note in notes:
        say(f"{test}: {note}")
    say("")


def arguments():
    parser = argparse.ArgumentParser(prog="./build.sh prove", description=__doc__.split("\n\n")[0])
    scale = parser.add_mutually_exclusive_group()
    scale.add_argument("--nightly", action="store_const", dest="scale", const="nightly", help="some hours")
    scale.add_argument("--release", action="store_const", dest="scale", const="release", help="as long as it takes: days")
    parser.add_argument("--only", nargs="+", metavar="NAME", default=[], help="only these proofs")
    parser.add_argument("--json", metavar="FILE", help="the rows, with the faults by kind")
    parser.add_argument("--list", action="store_true", help="name the proofs and end")
    args = parser.parse_args()
    args.scale = args.scale or "short"
    unknown = set(args.only) - {p.name for p in PROOFS}
    if unknown:
        parser.error(f"there is no proof {', '.join(sorted(unknown))}; --list names them")
    return args


def main():
    args = arguments()
    if args.list:
        say("\n".join(f"{p.name:14} {p.title}{'' if 'short' in p.scales else ' (--nightly, --release)'}" for p in PROOFS))
        return 0
    WORK.mkdir(parents=True, exist_ok=True)
    chosen = [p for p in PROOFS if (p.name in args.only if args.only else args.scale in p.scales)]
    session = Session([Run(p, args.scale) for p in chosen])
    signal.signal(signal.SIGTERM, session.stop)
    signal.signal(signal.SIGINT, session.stop)
    session.go()
    rows = [row for run in session.all for row in run.rows]
    table(rows)
    if args.json:
        Path(args.json).write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    failures = sum(row["failures"] for row in rows)
    say(f"{len(chosen)} proofs, {grouped(sum(r['faults'] for r in rows))} faults injected, "
        f"{grouped(sum(r['checks'] for r in rows))} checks, {grouped(failures)} failures "
        f"({clock(time.monotonic() - session.began)})")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
