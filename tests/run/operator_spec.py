#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""`tagihd serve` as those see it who run it: what it tells the service manager, when its watchdog falls silent, and whether
dashboard, alerts and runbook speak of what there is. argv[1] is the binary."""
import json
import os
import re
import resource
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.error
import urllib.request

import grpc

TOP = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
sys.path.insert(0, os.path.join(TOP, "tests/support"))
import spec  # noqa: E402

BINARY = sys.argv.pop(1)
POSTGRES = os.environ.get("TAGIH_TEST_PG")
DATABASE = f"spec_operator_{os.getpid()}"
WATCHDOG_US = 1_000_000
PROMTOOL = shutil.which("promtool")
NO_PROMTOOL = "promtool is not installed (Debian: prometheus)"


def psql(statement, database="postgres"):
    done = subprocess.run(["psql", "-qXAt", "-v", "ON_ERROR_STOP=1", f"{POSTGRES} dbname={database}", "-c", statement],
                          check=True, capture_output=True, text=True)
    return done.stdout.strip()


def clean(**more):
    return {**{name: value for name, value in os.environ.items() if not name.startswith("TAGIH_")}, **more}


def read(*path):
    with open(os.path.join(TOP, *path), encoding="utf-8") as file:
        return file.read()


class Manager:
    """The end of NOTIFY_SOCKET that a service manager holds."""

    def __init__(self, folder):
        self.path = os.path.join(folder, "notify")
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(self.path)

    def told(self, within_s):
        """The next word, or None."""
        self.socket.settimeout(within_s)
        try:
            return self.socket.recv(4096).decode()
        except TimeoutError:
            return None

    def hears(self, word, within_s=10):
        until = time.monotonic() + within_s
        while time.monotonic() < until:
            told = self.told(max(0.01, until - time.monotonic()))
            if told and word in told.split("\n"):
                return True
        return False

    def forget(self):
        while self.told(0.001):
            pass


class Server:
    """One `tagihd serve` with both listeners, pages, and somebody who wants to hear of it."""

    def __init__(self, setup, fds_max=None, worker_s_max=600):
        self.folder = tempfile.mkdtemp(prefix="tagih-operator.")
        self.manager = Manager(self.folder)
        self.socket = os.path.join(self.folder, "s")
        self.log = os.path.join(self.folder, "log")
        limit = (lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (fds_max, fds_max))) if fds_max else None
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                [BINARY, "serve", "--listen", "127.0.0.1:0", "--socket", self.socket, "--admin", "127.0.0.1:0", "--workers", "2",
                 "--worker-s-max", str(worker_s_max)],
                stderr=log, preexec_fn=limit,
                env=clean(**setup, TAGIH_STATE_DIR=os.path.join(self.folder, "state"), NOTIFY_SOCKET=self.manager.path,
                          WATCHDOG_USEC=str(WATCHDOG_US)))

    def said(self):
        with open(self.log, encoding="utf-8") as log:
            return log.read()

    def port(self):
        return int(re.search(r'"admin.listening","text":"port (\d+)"', self.said())[1])

    def ask(self, path, timeout=5):
        """Status and text; None: nobody answered."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port()}{path}", timeout=timeout) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as refusal:
            with refusal:
                return refusal.code, refusal.read().decode()
        except OSError:
            return None

    def becomes(self, path, status, within_s=15):
        until = time.monotonic() + within_s
        while time.monotonic() < until:
            answer = self.ask(path)
            if answer and answer[0] == status:
                return answer
            time.sleep(0.05)
        return self.ask(path)

    def end(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(10)
        self.manager.socket.close()
        shutil.rmtree(self.folder)


class ServedSpec(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        psql(f"create database {DATABASE}")
        cls.addClassCleanup(psql, f"drop database {DATABASE} with (force)")
        folder = tempfile.mkdtemp(prefix="tagih-operator-keys.")
        cls.addClassCleanup(shutil.rmtree, folder)
        url = f"{POSTGRES} dbname={DATABASE}"
        cls.setup = {"TAGIH_DATABASE_URL": url + " user=tagih_app", "TAGIH_OWNER_URL": url,
                     "TAGIH_KEYS_DIR": os.path.join(folder, "keys")}
        for words in (["migrate"], *(["key", "new", purpose] for purpose in ("token", "device", "ack", "document"))):
            subprocess.run([BINARY, *words], env=clean(**cls.setup), check=True, capture_output=True)

    def serve(self, **options):
        server = Server(self.setup, **options)
        self.addCleanup(server.end)
        self.assertTrue(server.manager.hears("READY=1"), server.said())
        return server


class LifeSpec(ServedSpec):
    def test_it_is_ready_when_it_serves_and_says_that_it_reloads_and_stops(self):
        server = self.serve()
        self.assertEqual(server.ask("/readyz"), (200, "ok\n"))
        server.manager.forget()
        server.process.send_signal(signal.SIGHUP)
        self.assertTrue(server.manager.hears("RELOADING=1"))
        self.assertTrue(server.manager.hears("READY=1"))
        server.process.send_signal(signal.SIGTERM)
        self.assertTrue(server.manager.hears("STOPPING=1"))
        self.assertEqual(server.process.wait(20), 0)

    def test_a_server_that_cannot_start_is_never_ready(self):
        server = Server({**self.setup, "TAGIH_KEYS_DIR": "/nonexistent"})
        self.addCleanup(server.end)
        self.assertNotEqual(server.process.wait(20), 0)
        self.assertIsNone(server.manager.told(0.2))

    def test_an_address_that_is_not_local_is_refused_by_name(self):
        done = subprocess.run([BINARY, "serve", "--listen", "127.0.0.1:0", "--admin", "0.0.0.0:9464"], text=True, timeout=20,
                              env=clean(**self.setup, TAGIH_STATE_DIR=self.setup["TAGIH_KEYS_DIR"] + ".state"), capture_output=True)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("loopback", done.stderr)


class WatchdogSpec(ServedSpec):
    def test_it_is_fed_in_time_while_all_is_well(self):
        server = self.serve()
        for _ in range(4):
            began = time.monotonic()
            self.assertTrue(server.manager.hears("WATCHDOG=1", WATCHDOG_US / 1e6))
            self.assertLess(time.monotonic() - began, WATCHDOG_US / 1e6)

    def test_it_is_fed_while_the_database_is_away(self):
        server = self.serve()
        psql(f"update pg_database set datallowconn = false where datname = '{DATABASE}'")
        try:
            psql(f"select pg_terminate_backend(pid) from pg_stat_activity where datname = '{DATABASE}'")
            self.assertEqual(server.becomes("/readyz", 503), (503, "the database is away\n"))
            server.manager.forget()
            for _ in range(4):
                self.assertTrue(server.manager.hears("WATCHDOG=1", WATCHDOG_US / 1e6))
            self.assertEqual(server.ask("/livez"), (200, "ok\n"))
        finally:
            psql(f"update pg_database set datallowconn = true where datname = '{DATABASE}'")
        self.assertEqual(server.becomes("/readyz", 200), (200, "ok\n"))

    def test_a_process_that_stands_still_starves_it(self):
        server = self.serve()
        server.process.send_signal(signal.SIGSTOP)
        server.manager.forget()
        self.assertFalse(server.manager.hears("WATCHDOG=1", WATCHDOG_US / 1e6))
        server.process.send_signal(signal.SIGCONT)
        self.assertTrue(server.manager.hears("WATCHDOG=1"))

    def test_a_worker_that_does_not_come_back_starves_it_and_is_not_alive(self):
        server = self.serve(worker_s_max=2)
        backends = psql(f"select pid from pg_stat_activity where datname = '{DATABASE}' and application_name like 'tagih-worker-%'")
        for pid in backends.split():  # a database that takes questions and never answers
            os.kill(int(pid), signal.SIGSTOP)
        try:
            with grpc.insecure_channel("unix:" + server.socket) as channel:
                login = channel.unary_unary("/tagih.v1.SessionService/Login").future(b"\x0a\x01x\x12\x01y", timeout=30)
                self.assertEqual(server.becomes("/livez", 503), (503, "a worker does not come back\n"))
                server.manager.forget()
                self.assertFalse(server.manager.hears("WATCHDOG=1", WATCHDOG_US / 1e6))
                self.assertRegex(server.ask("/metrics")[1], r"\ntagih_workers_busy 1\n")
        finally:
            for pid in backends.split():
                os.kill(int(pid), signal.SIGCONT)
        self.assertEqual(server.becomes("/livez", 200), (200, "ok\n"))
        self.assertTrue(login.done() or login.cancel())

    def test_a_listener_that_accepts_no_more_starves_it_and_is_not_alive(self):
        # gRPC core loses its listener when descriptors run out once (CVE-2023-4785), and nothing in the process heals that
        server = self.serve(fds_max=96)
        crowd = []
        for _ in range(150):
            one = socket.socket(socket.AF_UNIX)
            one.settimeout(0.2)
            try:
                one.connect(server.socket)
            except OSError:
                one.close()
                break
            crowd.append(one)
        time.sleep(0.5)
        server.manager.forget()
        starved = not server.manager.hears("WATCHDOG=1", WATCHDOG_US / 1e6)
        for one in crowd:
            one.close()
        self.assertTrue(starved, f"{len(crowd)} connections were not enough")
        self.assertIn('"watchdog.silence"', server.said())
        time.sleep(2 * WATCHDOG_US / 1e6)
        lives, why = server.ask("/livez")
        self.assertEqual(why, "ok\n" if lives == 200 else "a listener does not answer\n")
        self.assertEqual(lives == 200, self.answers(server), "what the watchdog says is what a caller finds")
        self.assertEqual(server.ask("/readyz")[0], 200)

    @staticmethod
    def answers(server):
        with grpc.insecure_channel("unix:" + server.socket) as channel:
            try:
                channel.unary_unary("/grpc.health.v1.Health/Check")(b"", timeout=3)
                return True
            except grpc.RpcError:
                return False


def names_in(expression):
    return set(re.findall(r"\b(?:grpc|tagih|process)_[a-z_]+|\bup\b", expression))


def series_of(page):
    """Every name that a query may use: of histograms the three that they have."""
    names = set()
    for name, kind in re.findall(r"^# TYPE (\S+) (\S+)$", page, re.M):
        names |= {name + end for end in ("_bucket", "_sum", "_count")} if kind == "histogram" else {name}
    return names


LABELS = {"grpc_type", "grpc_service", "grpc_method", "grpc_code"}


class DeploySpec(ServedSpec):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        server = Server(cls.setup)
        cls.addClassCleanup(server.end)
        assert server.manager.hears("READY=1"), server.said()
        until = time.monotonic() + 10
        while "tagih_outbox_depth" not in (page := server.ask("/metrics")[1]) and time.monotonic() < until:
            time.sleep(0.05)
        cls.page = page
        cls.series = series_of(page)
        cls.alerts = read("deploy/alerts.yml")
        cls.dashboard = json.loads(read("deploy/grafana.json"))

    def expressions(self):
        return [target["expr"] for panel in self.dashboard["panels"] for target in panel.get("targets", ())]

    def test_every_metric_of_the_dashboard_is_there(self):
        self.assertGreater(len(self.expressions()), 30)
        for expression in self.expressions():
            used = names_in(expression) - LABELS
            self.assertTrue(used, expression)
            self.assertLessEqual(used, self.series | {"up"}, expression)

    def test_every_metric_of_ours_is_on_the_dashboard(self):
        shown = set().union(*(names_in(expression) for expression in self.expressions()))
        for name, kind in re.findall(r"^# TYPE (tagih_\S+|grpc_\S+) (\S+)$", self.page, re.M):
            if name in ("tagih_worker_busy_longest_seconds", "tagih_database_asked_age_seconds", "tagih_figures_failing"):
                continue  # for alerts
            self.assertTrue(shown & ({name + "_bucket", name + "_count"} if kind == "histogram" else {name}), name)

    def test_panels_have_their_own_place_and_number(self):
        panels = self.dashboard["panels"]
        self.assertEqual(len({panel["id"] for panel in panels}), len(panels))
        taken = set()
        for panel in panels:
            at = panel["gridPos"]
            self.assertLessEqual(at["x"] + at["w"], 24)
            cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
            self.assertFalse(cells & taken, panel["title"])
            taken |= cells

    @unittest.skipUnless(PROMTOOL, NO_PROMTOOL)
    def test_every_query_of_the_dashboard_is_one(self):
        rules = [{"record": f"panel:{i}", "expr": expression.replace("$__rate_interval", "5m").replace("$instance", ".*")}
                 for i, expression in enumerate(self.expressions())]
        self.promtool("check", "rules", {"groups": [{"name": "dashboard", "rules": rules}]})

    def test_every_metric_of_an_alert_is_there(self):
        expressions = re.findall(r"expr: (\|\n(?: {10,}.*\n)+|.*\n)", self.alerts)
        self.assertEqual(len(expressions), self.alerts.count("- alert: "))
        for expression in expressions:
            used = names_in(expression) - LABELS
            self.assertTrue(used, expression)
            self.assertLessEqual(used, self.series | {"up"}, expression)

    def test_the_runbook_says_what_to_do_about_each_alert(self):
        told = re.findall(r"^\| `(Tagih\w+)`", read("deploy/RUNBOOK.md"), re.M)
        self.assertEqual(sorted(told), sorted(re.findall(r"- alert: (\w+)", self.alerts)))

    @unittest.skipUnless(PROMTOOL, NO_PROMTOOL)
    def test_promtool_takes_the_rules(self):
        subprocess.run([PROMTOOL, "check", "rules", os.path.join(TOP, "deploy/alerts.yml")], check=True, capture_output=True)

    @unittest.skipUnless(PROMTOOL, NO_PROMTOOL)
    def test_each_alert_fires_when_it_should_and_only_then(self):
        cases = [case for name, (bad, good, minutes) in ALERTS.items() for case in (
            alert_case(name, bad, minutes, 1), alert_case(name, good, minutes, 0))]
        self.assertEqual(sorted(ALERTS), sorted(re.findall(r"- alert: (\w+)", self.alerts)))
        self.promtool("test", "rules", {"rule_files": [os.path.join(TOP, "deploy/alerts.yml")], "tests": cases})

    def promtool(self, verb, what, file):
        with tempfile.NamedTemporaryFile("w", suffix=".yml") as written:  # YAML holds JSON
            json.dump(file, written)
            written.flush()
            done = subprocess.run([PROMTOOL, verb, what, written.name], capture_output=True, text=True)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)


CALLS = 'grpc_server_handled_total{grpc_service="s",grpc_method="M",grpc_code="%s"}'
TOOK = 'grpc_server_handling_seconds_bucket{le="%s"}'
WAITED = 'tagih_pool_wait_seconds_bucket{le="%s"}'
CASH = 'tagih_cash_aged_minor{currency="IDR"}'
# alert: series in which it fires, series in which it does not, after how many minutes
ALERTS = {
    "TagihDown": ({'up{job="tagih"}': "0x10"}, {'up{job="tagih"}': "1x10"}, 5),
    "TagihDatabaseAway": ({"tagih_database_up": "0x10"}, {"tagih_database_up": "1 0 1x8"}, 5),
    "TagihDatabaseSilent": ({"tagih_database_asked_age_seconds": "0+60x10"}, {"tagih_database_asked_age_seconds": "2x10"}, 5),
    "TagihSchemaDiffers": ({"tagih_schema_version": "23x30", "tagih_schema_version_wanted": "22x30"},
                           {"tagih_schema_version": "22x30", "tagih_schema_version_wanted": "22x30"}, 20),
    "TagihErrors": ({CALLS % "INTERNAL": "0 0 1x10"}, {CALLS % "INTERNAL": "7x10", CALLS % "UNAVAILABLE": "0+9x10"}, 5),
    "TagihCallsFail": ({CALLS % "OK": "0+900x20", CALLS % "UNAVAILABLE": "0+100x20"},
                       {CALLS % "OK": "0+960x20", CALLS % "INVALID_ARGUMENT": "0+900x20", CALLS % "UNAVAILABLE": "0+40x20"}, 15),
    "TagihSlow": ({TOOK % "1": "0+97x30", TOOK % "2.5": "0+100x30", TOOK % "+Inf": "0+100x30"},
                  {TOOK % "0.5": "0+100x30", TOOK % "1": "0+100x30", TOOK % "+Inf": "0+100x30"}, 20),
    "TagihPoolWaits": ({WAITED % "0.25": "0+97x30", WAITED % "1": "0+100x30", WAITED % "+Inf": "0+100x30"},
                       {WAITED % "0.1": "0+100x30", WAITED % "0.25": "0+100x30", WAITED % "+Inf": "0+100x30"}, 20),
    "TagihRingFull": ({"tagih_ring_depth": "2100x10", "tagih_ring_limit": "4096x10"},
                      {"tagih_ring_depth": "2000x10", "tagih_ring_limit": "4096x10", "tagih_calls_in_flight": "1600x10",
                       "tagih_calls_in_flight_limit": "2048x10"}, 5),
    "TagihWorkerStuck": ({"tagih_worker_busy_longest_seconds": "0+60x10"}, {"tagih_worker_busy_longest_seconds": "30x10"}, 5),
    "TagihDeadlock": ({"tagih_db_deadlocks_total": "0 0 1x10"}, {"tagih_db_deadlocks_total": "3x10"}, 5),
    "TagihBatchBroken": ({"tagih_db_short_writes_total": "0 0 1x10"},
                         {"tagih_db_broken_batches_total": "4x10", "tagih_db_short_writes_total": "2x10"}, 5),
    "TagihDescriptors": ({'process_open_fds{job="tagih"}': "900x10", 'process_max_fds{job="tagih"}': "1000x10"},
                         {'process_open_fds{job="other"}': "900x10", 'process_max_fds{job="other"}': "1000x10",
                          'process_open_fds{job="tagih"}': "200x10", 'process_max_fds{job="tagih"}': "1000x10"}, 5),
    "TagihRestarts": ({'process_start_time_seconds{job="tagih"}': "100 200 300 400x10"},
                      {'process_start_time_seconds{job="tagih"}': "100 200x12"}, 8),
    "TagihChoreFails": ({'tagih_chore_failing{chore="heads"}': "1x20"}, {'tagih_chore_failing{chore="heads"}': "1 1 0x20"}, 15),
    "TagihChoresLate": ({"tagih_chores_age_seconds": "0+60x20"}, {"tagih_chores_age_seconds": "60x20"}, 15),
    "TagihFiguresOld": ({"tagih_figures_age_seconds": "0+60x20"}, {"tagih_figures_age_seconds": "30x20"}, 15),
    "TagihOutboxStuck": ({"tagih_outbox_oldest_seconds": "0+60x20"}, {"tagih_outbox_oldest_seconds": "0 90 0x20"}, 10),
    "TagihMonthsMissing": ({"tagih_partition_months_ahead": "0x90"}, {"tagih_partition_months_ahead": "3 0x50 3x40"}, 80),
    "TagihRowsAstray": ({"tagih_partition_rows_astray": "7x30"}, {"tagih_partition_rows_astray": "7x5 0x30"}, 20),
    "TagihEntriesForgotten": ({"tagih_entries_oldest_seconds": "172801x5"}, {"tagih_entries_oldest_seconds": "172800x5"}, 3),
    "TagihCashAged": ({CASH: "100x200"}, {CASH: "100x60 0x200"}, 150),
}


def alert_case(name, series, minutes, fires):
    return {"interval": "1m",
            "input_series": [{"series": name_, "values": values} for name_, values in series.items()],
            "promql_expr_test": [{"expr": f'count(ALERTS{{alertname="{name}",alertstate="firing"}})', "eval_time": f"{minutes}m",
                                  "exp_samples": [{"labels": "{}", "value": 1}] if fires else []}]}


if __name__ == "__main__":
    spec.main()
