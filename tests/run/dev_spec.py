#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""`tagihd serve --dev` as somebody meets it who tries Tagih: one command, a first login that works, Ctrl-C, and all of
it there again the next time. The client is Debian's python3-grpcio. argv[1] is the binary, argv[2] the descriptor set."""
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import unittest

import grpc
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

TOP = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
sys.path.insert(0, os.path.join(TOP, "tests/support"))
import spec  # noqa: E402

BINARY, DESCRIPTORS = sys.argv.pop(1), sys.argv.pop(1)


def messages():
    pool = descriptor_pool.DescriptorPool()
    with open(DESCRIPTORS, "rb") as file:
        for one in descriptor_pb2.FileDescriptorSet.FromString(file.read()).file:
            pool.Add(one)
    factory = message_factory.MessageFactory(pool)
    return lambda name: factory.GetPrototype(pool.FindMessageTypeByName(f"tagih.v1.{name}"))


message = messages()


class Server:
    """One `serve --dev`, running: what it printed, where it listens."""

    def __init__(self, folder, root):
        clean = {name: value for name, value in os.environ.items() if not name.startswith("TAGIH_")}
        self.process = subprocess.Popen([BINARY, "serve", "--dev", "--state-dir", folder, "--listen", "127.0.0.1:0"],
                                        env={**clean, "TAGIH_PG_ROOT": root}, stdout=subprocess.PIPE,
                                        stderr=subprocess.DEVNULL, text=True)
        timer = threading.Timer(60, self.process.kill)
        timer.start()
        self.printed = ""
        while "SessionService/Login" not in self.printed:
            line = self.process.stdout.readline()
            if not line:
                raise AssertionError(f"it ended with {self.process.wait()} after printing: {self.printed}")
            self.printed += line
        timer.cancel()
        self.port = re.search(r"https://localhost:(\d+)\n", self.printed)[1]
        self.database = re.search(r"psql '(.*)'", self.printed)[1]
        with open(os.path.join(folder, "ca.pem"), "rb") as ca:
            self.channel = grpc.secure_channel(f"localhost:{self.port}", grpc.ssl_channel_credentials(ca.read()))

    def call(self, method, request, answer, token=None):
        stub = self.channel.unary_unary(f"/tagih.v1.{method}", request_serializer=lambda m: m.SerializeToString(),
                                        response_deserializer=message(answer).FromString)
        return stub(request, timeout=20, metadata=[("authorization", f"Bearer {token}")] if token else None)

    def interrupt(self):
        self.channel.close()
        self.process.send_signal(signal.SIGINT)
        with self.process.stdout:
            self.process.stdout.read()
        return self.process.wait(timeout=60)


class DevSpec(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="tagih-dev.")
        self.root = tempfile.mkdtemp(prefix="tagih-devpg.", dir="/var/tmp")
        self.addCleanup(shutil.rmtree, self.folder)
        self.addCleanup(shutil.rmtree, self.root, ignore_errors=True)
        # Also when a server was killed before it could stop its cluster.
        self.addCleanup(subprocess.run, [os.path.join(TOP, "tests/support/pg_cluster.sh"), "clean"],
                        env={**os.environ, "TAGIH_PG_ROOT": self.root}, check=True)

    def first_login(self):
        path = os.path.join(self.folder, "first-login.json")
        self.assertEqual(os.stat(path).st_mode & 0o777, 0o600)
        with open(path, encoding="utf-8") as file:
            return message("LoginRequest")(**json.load(file))

    def who_logs_in(self, server):
        token = server.call("SessionService/Login", self.first_login(), "LoginResponse").tokens.access_token
        return server.call("SessionService/WhoAmI", message("WhoAmIRequest")(), "WhoAmIResponse", token)

    def test_one_command_serves_and_the_second_start_finds_it_again(self):
        server = Server(self.folder, self.root)
        who = self.who_logs_in(server)
        self.assertIn("supervisor", list(who.roles))
        self.assertEqual(server.interrupt(), 0)
        self.assertNotEqual(subprocess.run(["psql", "-qX", server.database, "-c", "select 1"], capture_output=True,
                                           timeout=20).returncode, 0, "the private PostgreSQL still runs")
        again = Server(self.folder, self.root)
        self.assertEqual(self.who_logs_in(again).user_id, who.user_id)
        self.assertEqual(again.interrupt(), 0)

    def test_a_wrong_password_says_only_that(self):
        server = Server(self.folder, self.root)
        wrong = self.first_login()
        wrong.password = "not this one at all"
        with self.assertRaises(grpc.RpcError) as refused:
            server.call("SessionService/Login", wrong, "LoginResponse")
        self.assertEqual(refused.exception.code(), grpc.StatusCode.UNAUTHENTICATED)
        self.assertEqual(server.interrupt(), 0)


if __name__ == "__main__":
    spec.main()
