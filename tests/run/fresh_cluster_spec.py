#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The first migrations that a PostgreSQL ever sees, several at once: roles are the whole cluster's, a migrator's lock is
its database's. A cluster of its own, because a role that is there already hides the race. argv[1] is the binary."""
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

TOP = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
CLUSTER = os.path.join(TOP, "tests/support/pg_cluster.sh")
sys.path.insert(0, os.path.join(TOP, "tests/support"))
import spec  # noqa: E402

BINARY = sys.argv.pop(1)
DATABASES = [f"first_{n}" for n in range(6)]


class FreshClusterSpec(unittest.TestCase):
    def setUp(self):
        self.root = tempfile.mkdtemp(prefix="tagih-fresh.", dir="/var/tmp")
        self.environment = {**os.environ, "TAGIH_PG_ROOT": self.root}
        self.addCleanup(shutil.rmtree, self.root, ignore_errors=True)
        self.addCleanup(subprocess.run, [CLUSTER, "clean"], env=self.environment, check=True)
        os.chmod(self.root, 0o755)
        self.conninfo = subprocess.run([CLUSTER, "start", "--fresh", "first"], env=self.environment, check=True,
                                       stdout=subprocess.PIPE, text=True).stdout.strip()

    def sql(self, text, database="postgres"):
        return subprocess.run(["psql", "-qXAt", "-c", text, f"{self.conninfo} dbname={database}"], check=True,
                              stdout=subprocess.PIPE, text=True).stdout.strip()

    def test_databases_of_one_cluster_are_migrated_at_the_same_moment(self):
        for name in DATABASES:
            self.sql(f"create database {name}")
        clean = {name: value for name, value in os.environ.items() if not name.startswith("TAGIH_")}
        running = [subprocess.Popen([BINARY, "migrate", "--owner-url", f"{self.conninfo} dbname={name}"], env=clean,
                                    stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) for name in DATABASES]
        for process in running:
            said = process.communicate(timeout=60)[0]
            self.assertEqual(process.returncode, 0, said)
        self.assertEqual(self.sql("select string_agg(rolname, ' ' order by rolname) from pg_roles where rolname like 'tagih%'"),
                         "tagih_app tagih_owner tagih_read")
        versions = {self.sql("select max(version) from schema_migration", name) for name in DATABASES}
        self.assertEqual(len(versions), 1)


if __name__ == "__main__":
    spec.main()
