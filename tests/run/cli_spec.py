#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The binary as an operator meets it: words, exit codes, and what doctor finds. argv[1] is the binary."""
import os
import subprocess
import sys
import tempfile
import unittest

TOP = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
sys.path.insert(0, os.path.join(TOP, "tests/support"))
import spec  # noqa: E402

BINARY = sys.argv.pop(1)
OK, FAILED, USAGE = 0, 1, 2
POSTGRES = os.environ.get("TAGIH_TEST_PG")


def run(*words, **env):
    clean = {name: value for name, value in os.environ.items() if not name.startswith("TAGIH_")}
    done = subprocess.run([BINARY, *words], env={**clean, **env}, capture_output=True, text=True, timeout=60)
    return done.returncode, done.stdout, done.stderr


def psql(statement):
    subprocess.run(["psql", "-qX", "-v", "ON_ERROR_STOP=1", POSTGRES, "-c", statement], check=True)


class CliSpec(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="tagih-cli.")
        self.addCleanup(folder.cleanup)
        self.keys = os.path.join(folder.name, "keys")

    def test_without_a_command_it_lists_them(self):
        code, out, err = run()
        self.assertEqual((code, out), (USAGE, ""))
        self.assertIn("usage: tagihd COMMAND", err)

    def test_every_command_explains_itself(self):
        listed = run("help")[1].split("\n\n")[1].splitlines()
        names = [line.split()[0] for line in listed]
        self.assertIn("migrate", names)
        for name in names:
            code, out, err = run(name, "--help")
            self.assertEqual((code, err), (OK, ""), name)
            self.assertTrue(out.startswith(f"usage: tagihd {name}"), name)
            usage, summary = out.splitlines()[:2]
            self.assertEqual(usage, usage.rstrip(), name)
            self.assertRegex(summary, r"^[A-Z].*[^.]\.$", name)
            self.assert_flags_stand_in_the_usage(name, usage, out)
            self.assertIn("TAGIH_DATABASE_URL", out, name)

    def assert_flags_stand_in_the_usage(self, name, usage, out):
        """Who has flags of his own shows in the first line that there are some."""
        own = out.split("\nFlags:\n")
        if len(own) > 1:
            self.assertTrue(any(line.split()[0] in usage for line in own[1].split("\n\n")[0].splitlines()), name)

    def test_a_misspelt_command_names_the_nearest(self):
        self.assertEqual(run("migrat")[0::2], (USAGE, "tagihd: there is no command 'migrat'; did you mean migrate?\n"))

    def test_an_unknown_setting_refuses(self):
        code, _, err = run("version", TAGIH_WORKER="3")
        self.assertEqual((code, err), (USAGE, "tagihd: unknown setting TAGIH_WORKER; did you mean TAGIH_WORKERS?\n"))

    def test_the_version_is_the_one_of_the_file(self):
        with open(os.path.join(TOP, "VERSION"), encoding="utf-8") as version:
            self.assertTrue(run("version")[1].startswith(f"tagihd {version.read().strip()} (schema "))

    def test_output_that_cannot_be_written_is_a_failure(self):
        with open("/dev/full", "w", encoding="utf-8") as full:
            self.assertEqual(subprocess.run([BINARY, "help"], stdout=full, timeout=60).returncode, FAILED)

    def test_keys_are_made_listed_and_secret(self):
        code, out, _ = run("key", "new", "ack", "--keys-dir", self.keys)
        self.assertEqual(code, OK)
        purpose, key_id = out.split()
        self.assertEqual(purpose, "ack")
        secret = os.stat(os.path.join(self.keys, f"ack-{key_id}.key"))
        self.assertEqual(secret.st_mode & 0o777, 0o600)
        code, out, _ = run("key", "list", TAGIH_KEYS_DIR=self.keys)
        self.assertEqual((code, out.split()[:2], out.split()[3]), (OK, ["ack", key_id], "signs"))

    def test_a_key_for_nothing_is_refused(self):
        self.assertEqual(run("key", "new", "fun", "--keys-dir", self.keys)[0], USAGE)
        self.assertFalse(os.path.exists(self.keys))

    def test_migrate_without_a_database_is_a_wrong_usage(self):
        self.assertEqual(run("migrate")[0], USAGE)
        self.assertEqual(run("migrate", "--owner-url", "host=/nowhere")[0], FAILED)

    def test_doctor_names_what_to_fix(self):
        code, out, _ = run("doctor", "--keys-dir", self.keys, "--database-url", "host=/nowhere password=geheim")
        self.assertEqual(code, FAILED)
        self.assertIn("fix  config", out)
        self.assertIn("fix  keys", out)
        self.assertIn("fix  database", out)
        self.assertNotIn("geheim", out)

    def test_doctor_keeps_the_operators_pages_on_the_machine(self):
        for address, fits in (("0.0.0.0:9464", False), ("localhost:9464", False), ("127.0.0.1:9464", True), ("[::1]:9464", True)):
            _, out, _ = run("doctor", "--socket", "/run/tagih.sock", "--admin", address)
            self.assertEqual("fix  config" not in out, fits, address)

    @unittest.skipUnless(POSTGRES, "TAGIH_TEST_PG is not set")
    def test_a_migrated_installation_is_healthy(self):
        name = f"cli_{os.getpid()}"
        psql(f"create database {name}")
        self.addCleanup(psql, f"drop database {name} with (force)")
        url = POSTGRES.replace("dbname=postgres", f"dbname={name}")
        for purpose in ("token", "device", "ack", "document"):
            self.assertEqual(run("key", "new", purpose, "--keys-dir", self.keys)[0], OK)
        doctor = ("doctor", "--keys-dir", self.keys, "--socket", "/run/tagih.sock", "--database-url",
                  url.replace("user=postgres", "user=tagih_app"))
        self.assertEqual(run("migrate", "--owner-url", url)[0], OK)
        self.assertEqual(run("migrate", "--owner-url", url)[0], OK)
        code, out, _ = run(*doctor)
        self.assertNotIn("fix ", out)
        self.assertEqual(code, OK)
        subprocess.run(["psql", "-qX", url, "-c", f"alter role tagih_app in database {name} set synchronous_commit = off"],
                       check=True)
        code, out, _ = run(*doctor)
        self.assertEqual(code, FAILED)
        self.assertIn("synchronous_commit is off", out)


if __name__ == "__main__":
    spec.main()
