#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Abuse of HTTP/2 through the real nginx, while somebody works: his 99th percentile stays below 500 ms, every one of his
calls is answered, and neither nginx nor the server grows by 64 MiB while an attack lasts.

The attacker sits at an address of his own (127.0.0.2), as the limits by address mean it, and has a token that is in force:
the worst of them is somebody's phone. Attacks and victim share this machine's processors with what they attack.
"""
import argparse
import json
import os
import signal
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
from edge_attacks import ATTACKS  # noqa: E402
from edge_stack import Stack, many_files  # noqa: E402

SHORT = ("hpack references", "continuation flood", "rapid reset", "made to reset", "settings flood", "zero window", "slow bodies",
         "silent http/2")
GROWTH_KIB_MAX = 64 * 1024
KEPT_KIB_MAX = 128 * 1024  # of all attacks together, by heaps with holes
SAMPLE_S = 0.05
AFTERMATH_S = 0.5  # what an attack leaves behind is its own; less when it was shorter
PYTHON = sys.executable


def options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--report", metavar="FILE", help="append one line of JSON")
    parser.add_argument("--seconds", type=float, default=12, help="of each attack (12; the slow ones need more than nginx's timeouts)")
    parser.add_argument("--connections", type=int, default=1000, help="that the slow ones hold; the silent ones three times as many (1000)")
    parser.add_argument("--seed", type=int, default=1, help="of the attackers' choices (1)")
    parser.add_argument("--attack", action="append", choices=sorted(ATTACKS), help="only this one; may be repeated")
    parser.add_argument("--short", action="store_true", help="eight of the attacks, for the tests of every day")
    parser.add_argument("--p99-ms", type=float, default=500, help="that the victim must keep (500; more where others work beside it)")
    parser.add_argument("--list", action="store_true", help="name the attacks and end")
    return parser.parse_args()


class Victim:
    def __init__(self, stack):
        self.process = subprocess.Popen([PYTHON, os.path.join(HERE, "edge_victim.py"), str(stack.port), stack.ca],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for login, password in stack.password.items():
            self.say(f"{login}\n{password}")
        self.token = self.heard()["token"]

    def say(self, word):
        self.process.stdin.write(word + "\n")
        self.process.stdin.flush()

    def heard(self):
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError("the victim died")
        return json.loads(line)

    def end(self):
        self.process.kill()
        self.process.wait()


class Measure:
    """One attack: what was sent, how the victim fared, how much the two grew."""

    def __init__(self, name, stack, victim, asked):
        self.name, self.samples = name, 0
        before = stack.memory_kib()
        victim.say("begin")
        command = [PYTHON, os.path.join(HERE, "edge_attacks.py"), name, str(stack.port), str(asked.seconds), str(asked.connections),
                   str(asked.seed), victim.token]
        attacker = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, preexec_fn=many_files)
        most = [0, 0]
        try:
            until = time.monotonic() + asked.seconds + 60
            while attacker.poll() is None and time.monotonic() < until:
                most = [max(pair) for pair in zip(most, stack.memory_kib())]
                self.samples += 1
                time.sleep(SAMPLE_S)
        finally:
            if attacker.poll() is None:
                attacker.kill()
        self.sent = json.loads(attacker.communicate()[0] or "{}")
        time.sleep(min(AFTERMATH_S, asked.seconds))
        victim.say("end")
        self.fared = victim.heard()
        self.grown = [most[i] - before[i] for i in (0, 1)]
        self.faults = sum(count for what, count in self.sent.items() if what != "cut off")

    def failures(self, p99_ms_max):
        out = []
        if not self.faults:
            out.append("the attack sent nothing")
        if not self.fared["calls"]:
            out.append("the victim was not served at all")
        if self.fared["wrong"]:
            out.append(f"{self.fared['wrong']} of the victim's calls failed: {'; '.join(self.fared['why'])}")
        if self.fared["p99_ms"] >= p99_ms_max:
            out.append(f"the victim's p99 is {self.fared['p99_ms']:.0f} ms")
        for who, kib in zip(("the server", "nginx"), self.grown):
            if kib >= GROWTH_KIB_MAX:
                out.append(f"{who} grew by {kib / 1024:.0f} MiB")
        return out

    def line(self):
        sent = ", ".join(f"{count:,} {what}" for what, count in self.sent.items())
        return (f"{self.name:20} p50 {self.fared['p50_ms']:5.1f} ms  p99 {self.fared['p99_ms']:6.1f} ms  of {self.fared['calls']:6,} calls   "
                f"server {self.grown[0] / 1024:+5.1f} MiB  nginx {self.grown[1] / 1024:+5.1f} MiB   {sent}")


def end_of_all(stack, grown):
    """What must hold when it is over: nobody died, nothing broke inside, what the heaps keep is bounded."""
    out = [f"{who} keeps {kib / 1024:.0f} MiB" for who, kib in zip(("the server", "nginx"), grown) if kib >= KEPT_KIB_MAX]
    if stack.server.poll() is not None:
        out.append(f"the server ended with {stack.server.returncode}")
    internal = [line for line in stack.said().splitlines() if '"internal"' in line]
    if internal:
        out.append(f"the server logged {len(internal)} faults of its own: {internal[0][:300]}")
    dead = [line for line in stack.nginx_said().splitlines() if "exited on signal" in line or "[emerg]" in line or "[alert]" in line]
    if dead:
        out.append(f"nginx says: {dead[0][:300]}")
    return out


def report(path, done, failures, asked):
    worst = max(done, key=lambda one: one.fared["p99_ms"])
    grown = [max(one.grown[i] for one in done) / 1024 for i in (0, 1)]
    row = {"test": "HTTP/2 abuse through nginx", "count": len(done), "unit": "attacks", "faults": len(done),
           "faults_of": {one.name: 1 for one in done},
           "checks": sum(one.fared["calls"] + 2 * one.samples for one in done),
           "invariants": f"p99 < {asked.p99_ms:g} ms, RSS + < 64 MiB", "failures": failures,
           "note": f"{sum(one.faults for one in done):,} hostile frames, references and connections; worst p99 {worst.fared['p99_ms']:.0f} ms ({worst.name}), server +{grown[0]:.0f} MiB, nginx +{grown[1]:.0f} MiB, "
                   f"{asked.seconds:g} s each, seed {asked.seed}"}
    with open(path, "a", encoding="utf-8") as file:
        file.write(json.dumps(row) + "\n")


def stop(*_):
    raise KeyboardInterrupt


def attack_all(asked):
    names = asked.attack or (SHORT if asked.short else list(ATTACKS))
    done, failures = [], 0
    with Stack() as stack:
        victim = Victim(stack)
        try:
            time.sleep(1.0)  # his connections stand, and everything that grows by being used has grown
            before = stack.memory_kib()
            for name in names:
                one = Measure(name, stack, victim, asked)
                done.append(one)
                print(one.line(), flush=True)
                for failure in one.failures(asked.p99_ms):
                    failures += 1
                    print(f"   FAILED: {failure}; again: tests/hostile/edge_abuse.py --attack '{name}' --seconds {asked.seconds:g} "
                          f"--connections {asked.connections} --seed {asked.seed}", flush=True)
            grown = [now - then for then, now in zip(before, stack.memory_kib())]
            print(f"after all of them: server {grown[0] / 1024:+.1f} MiB, nginx {grown[1] / 1024:+.1f} MiB", flush=True)
            for failure in end_of_all(stack, grown):
                failures += 1
                print(f"   FAILED: {failure}", flush=True)
        finally:
            victim.end()
    return done, failures


def main():
    asked = options()
    if asked.list:
        print("\n".join(ATTACKS))
        return 0
    signal.signal(signal.SIGTERM, stop)
    many_files()
    try:
        done, failures = attack_all(asked)
    except KeyboardInterrupt:
        print("stopped", flush=True)
        return 130
    if asked.report:
        report(asked.report, done, failures, asked)
    print(f"{len(done)} attacks, {sum(one.faults for one in done):,} faults, {sum(one.fared['calls'] for one in done):,} of the victim's "
          f"calls, {failures} failures")
    return failures != 0


if __name__ == "__main__":
    sys.exit(main())
