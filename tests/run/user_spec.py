#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""tagihd user and enrol-code: the first people of a new installation. argv[1] is the binary."""
import os
import re
import subprocess
import sys
import unittest

TOP = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
sys.path.insert(0, os.path.join(TOP, "tests/support"))
import spec  # noqa: E402

BINARY = sys.argv.pop(1)
OK, FAILED, USAGE = 0, 1, 2
POSTGRES = os.environ.get("TAGIH_TEST_PG")
DATABASE = f"spec_user_{os.getpid()}"
PASSWORD = "a password that is long"


def psql(statement, database="postgres"):
    done = subprocess.run(["psql", "-qXAt", "-v", "ON_ERROR_STOP=1", f"{POSTGRES} dbname={database}", "-c", statement],
                          check=True, capture_output=True, text=True)
    return done.stdout.strip()


def run(*words, given=""):
    clean = {name: value for name, value in os.environ.items() if not name.startswith("TAGIH_")}
    url = f"{POSTGRES} dbname={DATABASE}"
    done = subprocess.run([BINARY, *words], input=given, capture_output=True, text=True, timeout=60,
                          env={**clean, "TAGIH_OWNER_URL": url, "TAGIH_DATABASE_URL": url + " user=tagih_app"})
    return done.returncode, done.stdout, done.stderr


def add(login, *words, given=PASSWORD + "\n", agency=("--agency", "Acme"), role="collector"):
    return run("user", "add", *agency, "--login", login, "--name", f"Name of {login}", "--role", role, *words, given=given)


class UserSpec(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        psql(f"create database {DATABASE}")
        cls.addClassCleanup(psql, f"drop database {DATABASE} with (force)")
        assert run("migrate")[0] == OK
        new = ("--new-agency", "Acme", "--time-zone", "Asia/Jakarta")
        code, out, err = add("sari", "--generate", agency=new, role="supervisor,admin", given="")
        assert code == OK, err
        cls.first = out

    def test_the_first_user_makes_the_agency_and_gets_a_password_once(self):
        self.assertRegex(self.first, r"^user [0-9a-f-]{36}\nagency [0-9a-f-]{36}\npassword [a-z2-9]{20}\n$")
        password = self.first.split()[-1]
        self.assertNotIn(password, psql("select string_agg(password_hash, ' ') from staff_state", DATABASE))

    def test_passwords_are_argon2id_with_3_passes_over_64_mib(self):
        self.assertEqual(add("hashed")[0], OK)
        kept = psql("select password_hash from staff_state join staff using (agency_id, user_id) where login = 'hashed'", DATABASE)
        self.assertTrue(kept.startswith("$argon2id$v=19$m=65536,t=3,p=1$"), kept)

    def test_a_team_is_made_once(self):
        self.assertEqual(add("one", "--team", "North")[0], OK)
        self.assertEqual(add("two", "--team", "North")[0], OK)
        self.assertEqual(psql("select count(*) from team where name = 'North'", DATABASE), "1")
        self.assertIn("two\tactive\tcollector\tNorth\tName of two\n", run("user", "list", "--agency", "Acme")[1])

    def test_a_login_is_unique_in_any_case(self):
        self.assertEqual(add("unique")[0], OK)
        self.assertEqual(add("UNIQUE"), (FAILED, "", "tagihd: the login 'UNIQUE' is taken\n"))

    def test_what_is_wrong_is_named(self):
        self.assertEqual(add("x", role="boss"), (USAGE, "", "tagihd: there is no role 'boss'\n"))
        self.assertEqual(add("x", given="short\n")[0::2], (USAGE, "tagihd: a password is text of 10 to 200 bytes\n"))
        self.assertEqual(add("x", given="y" * 300 + "\n")[0], USAGE)
        self.assertEqual(add("x", given="")[0::2], (USAGE, "tagihd: no password on standard input; --generate draws one\n"))
        self.assertEqual(add("x", agency=("--agency", "Nope"))[0::2], (FAILED, "tagihd: no one agency has the name 'Nope'\n"))
        self.assertEqual(add("x", agency=())[0], USAGE)
        self.assertEqual(add("x", agency=("--new-agency", "Mars"))[0], USAGE)
        self.assertEqual(add("x", agency=("--new-agency", "Mars", "--time-zone", "Mars/Base"))[0], USAGE)
        self.assertEqual(run("user", "suspend", "--login", "nobody")[0::2], (FAILED, "tagihd: there is no login 'nobody'\n"))
        self.assertEqual(run("user", "frob")[0], USAGE)
        self.assertEqual(run("user")[0], USAGE)
        self.assertEqual(psql("select count(*) from agency where name = 'Mars'", DATABASE), "0")

    def test_suspending_ends_sessions_and_is_an_event(self):
        self.assertEqual(add("leaver")[0], OK)
        psql("insert into session (agency_id, token_hash, family_id, user_id, issued_us, expires_us)"
             " select agency_id, '\\x01', user_id, user_id, 0, 1 from staff where login = 'leaver'", DATABASE)
        self.assertEqual(run("user", "suspend", "--login", "leaver"), (OK, "", ""))
        self.assertEqual(psql("select revoked_us > 0 from session where token_hash = '\\x01'", DATABASE), "t")
        self.assertEqual(psql("select string_agg(kind, ',' order by version) from staff_event join staff"
                              " using (agency_id, user_id) where login = 'leaver'", DATABASE), "ADDED,SUSPENDED")
        self.assertEqual(run("enrol-code", "--login", "leaver")[0::2], (FAILED, "tagihd: the user 'leaver' is suspended\n"))

    def test_a_new_password_replaces_the_old(self):
        self.assertEqual(add("changer")[0], OK)
        where = "from staff_state join staff using (agency_id, user_id) where login = 'changer'"
        before = psql(f"select password_hash {where}", DATABASE)
        code, out, _ = run("user", "password", "--login", "changer", "--generate")
        self.assertEqual((code, bool(re.fullmatch(r"password [a-z2-9]{20}\n", out))), (OK, True))
        self.assertNotEqual(psql(f"select password_hash {where}", DATABASE), before)

    def test_an_enrolment_code_is_printed_once_and_kept_as_its_hash(self):
        self.assertEqual(add("carrier")[0], OK)
        code, out, _ = run("enrol-code", "--login", "carrier")
        self.assertEqual((code, bool(re.fullmatch(r"[A-HJ-NP-Z2-9]{4}(-[A-HJ-NP-Z2-9]{4}){2}\n", out))), (OK, True))
        plain = out.strip().replace("-", "")
        self.assertEqual(psql(f"select count(*) from enrol_code where code_hash = sha256('{plain}')", DATABASE), "1")
        self.assertEqual(run("enrol-code")[0], USAGE)
        self.assertEqual(run("enrol-code", "--login", "nobody")[0], FAILED)


if __name__ == "__main__":
    spec.main()
