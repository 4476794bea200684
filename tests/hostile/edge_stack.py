# SPDX-License-Identifier: Apache-2.0
"""Tagih as it is deployed, on this machine: a database of its own, `tagihd serve` on a unix socket, the real nginx with
deploy/nginx.conf before it, and one person who can log in."""
import os
import re
import resource
import shutil
import signal
import socket
import subprocess
import tempfile
import time

TOP = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
EDGE = os.path.join(TOP, "tests", "support", "edge.sh")
CLUSTER = os.path.join(TOP, "tests", "support", "pg_cluster.sh")
BINARY = os.path.join(os.environ.get("TAGIH_TEST_BUILD") or os.environ.get("TAGIH_BUILD") or os.path.join(TOP, "build", "gcc"),
                      "server", "tagihd")
PURPOSE = "abuse"


def many_files():
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def run(command, **options):
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, **options)
    if done.returncode:
        raise RuntimeError(f"{' '.join(map(str, command[:4]))} ended with {done.returncode}: {done.stderr[-1000:]}")
    return done.stdout


def children(pid):
    with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
        return [int(word) for word in file.read().split()]


def memory_kib(pid):
    """What is resident of a process; what it shares with others (nginx's zones, its session cache) is shared out."""
    try:
        with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as rollup:
            return next((int(line.split()[1]) for line in rollup if line.startswith("Pss:")), 0)
    except OSError:
        return 0


class Stack:
    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="tagih-abuse.")
        self.database, self.own_cluster, self.edge_up, self.server = f"abuse_{os.getpid()}", False, False, None

    def __enter__(self):
        try:
            self.open_database()
            self.open_server()
            self.open_edge()
        except BaseException:
            self.__exit__()
            raise
        return self

    def path(self, *parts):
        return os.path.join(self.folder, *parts)

    def tagihd(self, *words):
        return run([BINARY, *words], env=self.env)

    def psql(self, sql):
        return run(["psql", "-qXAt", "-v", "ON_ERROR_STOP=1", self.admin, "-c", sql])

    def open_database(self):
        self.admin = os.environ.get("TAGIH_TEST_PG") or os.environ.get("TAGIH_PG")
        if not self.admin:
            self.own_cluster = True
            self.admin = run([CLUSTER, "start", "--fresh", PURPOSE], env={**os.environ, "TAGIH_PG_OWNER": str(os.getpid())}).strip()
        self.psql(f"create database {self.database}")
        url = f"{self.admin} dbname={self.database}"
        kept = {name: value for name, value in os.environ.items() if not name.startswith("TAGIH_")}
        self.env = {**kept, "TAGIH_OWNER_URL": url, "TAGIH_DATABASE_URL": url + " user=tagih_app",
                    "TAGIH_KEYS_DIR": self.path("keys"), "TAGIH_STATE_DIR": self.path("state"), "TAGIH_SOCKET": self.path("s"),
                    "TAGIH_LISTEN": "127.0.0.1:0"}
        self.tagihd("migrate")
        for purpose in ("token", "device", "ack", "document"):
            self.tagihd("key", "new", purpose)
        self.password = {"sari": self.person("sari", "--new-agency", "Acme", "--time-zone", "Asia/Jakarta"),
                         "mallory": self.person("mallory", "--agency", "Acme")}

    def person(self, login, *agency):
        """Somebody of the office, by his password."""
        added = self.tagihd("user", "add", *agency, "--login", login, "--name", login.title(), "--role", "supervisor", "--generate")
        return re.search(r"password (\S+)", added)[1]

    def open_server(self):
        with open(self.path("log"), "wb") as log:
            self.server = subprocess.Popen([BINARY, "serve"], env=self.env, stderr=log, preexec_fn=many_files)
        until = time.monotonic() + 30
        while time.monotonic() < until and self.server.poll() is None:
            with socket.socket(socket.AF_UNIX) as probe:
                if probe.connect_ex(self.path("s")) == 0:
                    return
            time.sleep(0.02)
        raise RuntimeError(f"the server does not come up: {self.said()[-1000:]}")

    def open_edge(self):
        self.ca = self.path("state", "ca.pem")
        self.port = int(run([EDGE, "start", self.path("edge"), self.path("s"), self.path("state", "server.pem"),
                             self.path("state", "server.key")], preexec_fn=many_files))
        self.edge_up = True
        with open(self.path("edge", "run", "nginx.pid"), encoding="ascii") as file:
            self.nginx = int(file.read())

    def said(self):
        with open(self.path("log"), encoding="utf-8", errors="replace") as log:
            return log.read()

    def nginx_said(self):
        with open(self.path("edge", "log", "error.log"), encoding="utf-8", errors="replace") as log:
            return log.read()

    def memory_kib(self):
        """(the server's, nginx's)"""
        return memory_kib(self.server.pid), sum(memory_kib(pid) for pid in [self.nginx, *children(self.nginx)])

    def __exit__(self, *_):
        if self.edge_up:
            subprocess.run([EDGE, "stop", self.path("edge")], check=False)
        if self.server and self.server.poll() is None:
            self.server.send_signal(signal.SIGTERM)
            try:
                self.server.wait(20)
            except subprocess.TimeoutExpired:
                self.server.kill()
                self.server.wait()
        if self.own_cluster:
            subprocess.run([CLUSTER, "drop", PURPOSE], check=False, capture_output=True)
        elif self.admin:
            self.psql(f"drop database if exists {self.database} with (force)")
        shutil.rmtree(self.folder, ignore_errors=True)
