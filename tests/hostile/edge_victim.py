#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Somebody who only wants to work while others attack: edge_victim.py PORT CA; login and password of the victim, and
those of the attacker, for whom it gets a token, are the first four lines of standard input.

Calls as a person's program makes them, through the edge: two threads on a connection that stays, one that connects anew
for every call. "begin" on standard input starts a measurement, "end" ends it and prints one line of JSON.
"""
import json
import os
import sys
import threading
import time

import grpc

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from reflected import Caller  # noqa: E402

PAUSE_S = 0.01
CALLS = ("SessionService/WhoAmI", "AccountService/ListAccounts")
CALL_S_MAX = 10


class Victim:
    def __init__(self, port, ca, people):
        self.target = f"localhost:{port}"
        with open(ca, "rb") as file:
            self.credentials = grpc.ssl_channel_credentials(file.read())
        self.caller = Caller(self.channel())
        mine, theirs = (self.caller.call("SessionService/Login", login=people[i], password=people[i + 1]) for i in (0, 2))
        self.token, self.user, self.attackers = mine.tokens.access_token, mine.user_id, theirs.tokens.access_token
        self.lock, self.took_s, self.wrong = threading.Lock(), [], []

    def channel(self):
        return grpc.secure_channel(self.target, self.credentials, options=[("grpc.use_local_subchannel_pool", 1)])

    def ask(self, caller, method):
        began = time.monotonic()
        wrong = None
        try:
            answer = caller.call(method, token=self.token, timeout=CALL_S_MAX)
            if method == CALLS[0] and answer.user_id != self.user:
                wrong = "another user"
        except grpc.RpcError as error:
            wrong = f"{error.code().name}: {error.details()}"
        with self.lock:
            self.took_s.append(time.monotonic() - began)
            if wrong:
                self.wrong.append(wrong)

    def stay(self, method):
        while True:
            self.ask(self.caller, method)
            time.sleep(PAUSE_S)

    def come_and_go(self):
        fresh = Caller.__new__(Caller)
        fresh.contract = self.caller.contract
        while True:
            with self.channel() as fresh.channel:
                self.ask(fresh, CALLS[0])
            time.sleep(PAUSE_S)

    def work(self):
        for run, *given in ((self.stay, CALLS[0]), (self.stay, CALLS[1]), (self.come_and_go,)):
            threading.Thread(target=run, args=given, daemon=True).start()

    def taken(self):
        with self.lock:
            took, wrong = sorted(self.took_s), self.wrong
            self.took_s, self.wrong = [], []
        return took, wrong


def main():
    victim = Victim(*sys.argv[1:3], [sys.stdin.readline().strip() for _ in range(4)])
    victim.work()
    print(json.dumps({"token": victim.attackers}), flush=True)
    for word in sys.stdin:
        took, wrong = victim.taken()
        if word.strip() == "end":
            at = took[int(len(took) * 0.99)] if took else 0.0
            print(json.dumps({"calls": len(took), "p50_ms": 1000 * took[len(took) // 2] if took else 0, "p99_ms": 1000 * at,
                              "max_ms": 1000 * took[-1] if took else 0, "wrong": len(wrong), "why": sorted(set(wrong))[:3]}), flush=True)
    os._exit(0)


if __name__ == "__main__":
    main()
