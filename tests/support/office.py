# SPDX-License-Identifier: Apache-2.0
"""Commands of the office on a real database: a migrated one for each class, an agency and a folder for each test."""
import os
import subprocess
import tempfile
import unittest

OK, FAILED, USAGE, PARTLY = 0, 1, 2, 3
POSTGRES = os.environ.get("TAGIH_TEST_PG", "")


def psql(conninfo, statement):
    done = subprocess.run(["psql", "-qXAt", "-v", "ON_ERROR_STOP=1", conninfo, "-c", statement], check=True,
                          capture_output=True, text=True)
    return done.stdout.strip()


class OfficeCase(unittest.TestCase):
    BINARY = None  # the spec sets it

    @classmethod
    def setUpClass(cls):
        cls.name = f"spec_{cls.__name__.lower()}_{os.getpid()}"
        psql(POSTGRES, f"create database {cls.name}")
        cls.owner = f"{POSTGRES} dbname={cls.name}"
        cls.app = f"{cls.owner} user=tagih_app"
        subprocess.run([cls.BINARY, "migrate", "--owner-url", cls.owner], check=True, capture_output=True)

    @classmethod
    def tearDownClass(cls):
        psql(POSTGRES, f"drop database {cls.name} with (force)")

    def new_agency(self):
        """One that bears the test's name, as others of it do."""
        return psql(self.owner, f"insert into agency values (gen_random_uuid(), '{self.id()}', 'Asia/Jakarta', 'IDR', 1) "
                                "returning agency_id")

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="tagih-office.")
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.agency = self.new_agency()

    def write(self, head, *lines, end="\n", name="file.csv"):
        path = os.path.join(self.folder, name)
        text = b"".join((line if isinstance(line, bytes) else line.encode()) + end.encode() for line in (head, *lines))
        with open(path, "wb") as out:
            out.write(text)
        return path

    def start(self, *words):
        """A run of the binary on the database, which is not waited for."""
        clean = {name: value for name, value in os.environ.items() if not name.startswith("TAGIH_")}
        return subprocess.Popen([self.BINARY, *words, "--database-url", self.app], env=clean, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, text=True)

    def run_for_all(self, *words):
        """Exit code, stdout and stderr of a run that is told no agency."""
        process = self.start(*words)
        out, err = process.communicate(timeout=120)
        return process.returncode, out, err

    def run_it(self, *words):
        return self.run_for_all(*words, "--agency", self.agency)

    def results(self, out):
        """What the table says: result → rows."""
        lines = out.split("\n\n")[1].splitlines()[1:]
        return {line.split()[0]: int(line.split()[1]) for line in lines}

    def value(self, sql):
        return psql(self.owner, sql.replace("$A", f"'{self.agency}'"))
