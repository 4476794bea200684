#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""tagihd lifecycle as an operator runs it: killed half way, for every agency, dry, and asked for wrongly. argv[1] is the
binary."""
import os
import signal
import sys
import time

TOP = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
sys.path.insert(0, os.path.join(TOP, "tests/support"))
import spec  # noqa: E402
from office import OK, FAILED, USAGE, OfficeCase, psql  # noqa: E402

OfficeCase.BINARY = sys.argv.pop(1)
HELD, TAKEOVER = 3, 4


class TakeoverSpec(OfficeCase):
    def hold(self, agency, count, ended_days_ago):
        """Accounts whose hold ended so many days ago, or that many days apart from 0 on when it is a range."""
        psql(self.owner, f"""
            with a as (
                insert into account (agency_id, account_id, account_no, customer_id, product, currency, created_us)
                select '{agency}', gen_random_uuid(), 'A' || n || '-' || gen_random_uuid(), gen_random_uuid(), 'car', 'IDR', 1
                from generate_series(1, {count}) n returning account_id)
            insert into account_state (agency_id, account_id, status, hold_from_on, hold_until_on, no_schedule, fees_minor,
                penalty_minor, interest_minor, principal_minor, snapshot_on, lat_e7, lon_e7, address_quality)
            select '{agency}', account_id, {HELD}, d.on - 30, d.on, true, 0, 0, 0, 100, d.on, 0, 0, 1
            from a, lateral (select (now() at time zone 'Asia/Jakarta')::date - {ended_days_ago} as on) d""")

    def lifecycle(self, *words):
        return self.start("lifecycle", *words)

    def run_lifecycle(self, *words):
        return self.run_for_all("lifecycle", *words)

    def taken(self, agency=None):
        return int(psql(self.owner, "select count(*) from account_event where kind = 'TAKEN_OVER' and agency_id = "
                                    f"'{agency or self.agency}'"))

    def assert_each_once(self, count):
        answer = psql(self.owner, f"""
            select count(*), count(distinct e.account_id), count(*) filter (where s.status = {TAKEOVER})
            from account_event e join account_state s using (agency_id, account_id)
            where e.kind = 'TAKEN_OVER' and e.agency_id = '{self.agency}'""")
        self.assertEqual(answer, f"{count}|{count}|{count}")

    #= RULES.md R-LIF-3
    #  it may run beside live payments, twice at once, or after a crash, with one outcome.
    def test_a_run_that_is_killed_half_way_goes_on_where_it_was(self):
        count = 12000
        self.hold(self.agency, count, 2)
        kills = 0
        for _ in range(3):
            before = self.taken()
            process = self.lifecycle("mark-takeover", "--agency", self.agency)
            deadline = time.monotonic() + 60
            while process.poll() is None and self.taken() == before and time.monotonic() < deadline:
                time.sleep(0.01)
            if process.poll() is None:
                process.send_signal(signal.SIGKILL)
                kills += 1
            process.communicate()
        half = self.taken()
        self.assertGreater(kills, 0)
        self.assertTrue(0 < half < count, half)
        code, out, _ = self.run_lifecycle("mark-takeover", "--agency", self.agency)
        self.assertEqual(code, OK)
        self.assert_each_once(count)
        self.assertEqual(out, f"taken over: {count - half}, extended: 0\n")
        self.assertEqual(self.run_lifecycle("mark-takeover", "--agency", self.agency)[1], "taken over: 0, extended: 0\n")

    #= RULES.md R-LIF-3
    #  twice at once, or after a crash, with one outcome.
    def test_two_commands_at_once_share_the_work(self):
        self.hold(self.agency, 4000, 1)
        both = [self.lifecycle("mark-takeover", "--agency", self.agency) for _ in range(2)]
        outs = [process.communicate(timeout=120)[0] for process in both]
        self.assertEqual([process.returncode for process in both], [OK, OK])
        self.assert_each_once(4000)
        self.assertEqual(sum(int(out.split(",")[0].split(": ")[1]) for out in outs), 4000)

    def test_without_an_agency_every_agency_is_worked_on(self):
        other = self.new_agency()
        self.hold(self.agency, 3, 1)
        self.hold(other, 2, 1)
        self.assertEqual(self.run_lifecycle("mark-takeover")[0], OK)
        self.assertEqual((self.taken(), self.taken(other)), (3, 2))
        self.assertEqual(self.run_lifecycle("run-day")[0], OK)

    def test_a_dry_run_prints_a_line_a_hold_and_changes_nothing(self):
        self.hold(self.agency, 2, 1)
        self.hold(self.agency, 1, 0)
        self.hold(self.agency, 1, -1)
        code, out, _ = self.run_lifecycle("mark-takeover", "--agency", self.agency, "--dry-run")
        lines = out.splitlines()
        self.assertEqual((code, lines[0], lines[-1]), (OK, "until,account_no,event,extended_until,reason",
                                                       "# taken over: 3, extended: 0"))
        self.assertEqual([line.split(",")[2:] for line in lines[1:-1]], [["TAKEN_OVER", "", "the hold is over"]] * 3)
        self.assertEqual(self.taken(), 0)

    def test_what_cannot_be_asked_is_a_wrong_usage(self):
        for words in ((), ("mark",), ("run-day", "--dry-run"), ("run-day", "--until", "today"),
                      ("mark-takeover", "--agency", self.agency, "--until", "2999-01-01"),
                      ("mark-takeover", "--agency", self.agency, "--until", "tomorrow")):
            self.assertEqual(self.run_lifecycle(*words)[0], USAGE, words)
        self.assertEqual(self.run_lifecycle("mark-takeover", "--agency", "nobody's")[0], FAILED)


if __name__ == "__main__":
    spec.main()
