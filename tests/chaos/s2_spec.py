#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The short form of S2, and the proof that its proofs can fail: each fault does what it says, each invariant is broken by
hand in the database of a real day and found. argv[1] is the binary."""
import os
import socket
import sys
import threading
import time
import unittest
from pathlib import Path

sys.dont_write_bytecode = True
BUILD = Path(sys.argv.pop(1)).resolve().parent.parent
os.environ |= {"TAGIH_BUILD": str(BUILD), "TAGIH_PG": os.environ["TAGIH_TEST_PG"]}
HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "support")]
import invariants  # noqa: E402
import proxy  # noqa: E402
import s2  # noqa: E402
import spec  # noqa: E402

# What is done by hand, and undone. $P: a payment, $R and $Q: two receipts of one phone that were posted.
BY_HAND = [
    ("I1", "update payment set amount_minor = amount_minor + 100 where payment_id = $P",
     "update payment set amount_minor = amount_minor - 100 where payment_id = $P"),
    ("I1", "update allocation set principal_minor = principal_minor + 1, credit_minor = credit_minor - 1 where payment_id = $P",
     "update allocation set principal_minor = principal_minor - 1, credit_minor = credit_minor + 1 where payment_id = $P"),
    ("I1", "update receipt set value_on = value_on - 1 where entry_id = $R", "update receipt set value_on = value_on + 1 where entry_id = $R"),
    ("I2", "insert into suspense_state select agency_id, gen_random_uuid(), 2, 500, 'IDR', current_date, 0 from agency",
     "delete from suspense_state where amount_minor = 500"),
    ("I3", "update account_state set principal_minor = principal_minor + 1 where account_id = (select account_id from payment where payment_id = $P)",
     "update account_state set principal_minor = principal_minor - 1 where account_id = (select account_id from payment where payment_id = $P)"),
    ("I3", "update ledger_line set amount_minor = amount_minor + 1 where posting_id = $P and line_no = 1",
     "update ledger_line set amount_minor = amount_minor - 1 where posting_id = $P and line_no = 1"),
    ("I3", "update collector_state set cash_held_minor = cash_held_minor + 1", "update collector_state set cash_held_minor = cash_held_minor - 1"),
    ("I4", "update journal_key set ack = ack || '\\x00' where entry_id = $R",
     "update journal_key set ack = substring(ack for length(ack) - 1) where entry_id = $R"),
    ("I4", "update journal_body set body = set_byte(body, 120, get_byte(body, 120) # 1) where entry_hash = (select entry_hash from receipt where entry_id = $R)",
     "update journal_body set body = set_byte(body, 120, get_byte(body, 120) # 1) where entry_hash = (select entry_hash from receipt where entry_id = $R)"),
    ("I5", "update receipt set seq = seq + 100000 where entry_id in ($R, $Q); update receipt set seq = 7 where seq > 100000",
     "update receipt r set seq = k.seq from journal_key k where k.entry_id = r.entry_id and r.seq = 7"),
    ("I5", "update payment set payment_id = '00000000-0000-4000-8000-000000000001' where payment_id = $P",
     "update payment set payment_id = $P where payment_id = '00000000-0000-4000-8000-000000000001'"),
    ("I6", "update device_epoch set contiguous_seq = contiguous_seq - 1", "update device_epoch set contiguous_seq = contiguous_seq + 1"),
    ("I6", "insert into entry_waiting select agency_id, entry_hash, $Q, false from journal_key where entry_id = $R",
     "delete from entry_waiting where referent_id = $Q"),
    ("I6", "update journal_key set entry_hash = sha256(entry_hash) where entry_id = $R",
     "update journal_key k set entry_hash = r.entry_hash from receipt r where r.entry_id = k.entry_id and k.entry_id = $R"),
    ("I7", "update receipt set receipt_no = receipt_no + 1 where entry_id = $R", "update receipt set receipt_no = receipt_no - 1 where entry_id = $R"),
    ("I7", "alter table ledger_line disable trigger fact", "alter table ledger_line enable trigger fact"),
    ("I7", "grant update on payment to tagih_app", "revoke update on payment from tagih_app"),
    ("I8", "update posting set value_on = value_on + 1 where posting_id = $P", "update posting set value_on = value_on - 1 where posting_id = $P"),
    ("I8", "update journal_key set prev_hash = sha256(prev_hash) where entry_id = $R",
     "update journal_key k set prev_hash = p.entry_hash from journal_key p where k.entry_id = $R and p.device_id = k.device_id"
     " and p.epoch = k.epoch and p.seq = k.seq - 1 and p.owns_seq"),
    ("I9", "update bonus_line set amount_minor = amount_minor + 1 where payment_id = $P",
     "update bonus_line set amount_minor = amount_minor - 1 where payment_id = $P"),
    ("I10", "update device_total set cum_total_minor = cum_total_minor + 1, seq = abs(seq)",
     "update device_total set cum_total_minor = cum_total_minor - 1"),
    ("I10", "update collector_month set bonus_minor = bonus_minor + 1", "update collector_month set bonus_minor = bonus_minor - 1"),
]


class ADay(unittest.TestCase):
    """One day of a few phones through the bad network, with a server that is killed."""

    @classmethod
    def setUpClass(cls):
        options = s2.read_options(["--days", "3", "--phones", "3", "--visits", "4", "--accounts", "100", "--seed", "3", "--evening-s", "1",
                                   "--day-s", "6", "--no-growth", "--via", "unix"])
        s2.say = lambda text: None
        sys.modules["demo"].say = s2.say
        cls.office = s2.Office(options, "spec_s2")
        cls.addClassCleanup(cls.office.close)
        cls.office.open()
        cls.round = s2.Round(cls.office, options, options.seed, 0).run()
        one = cls.office.db.row("""select r.entry_id as r, q.entry_id as q from receipt r join receipt q using (agency_id, device_id, epoch)
            join payment p on p.payment_id = r.entry_id join payment o on o.payment_id = q.entry_id where r.seq < q.seq and r.seq > 1
            and not exists (select from payment_reversal v where v.payment_id in (r.entry_id, q.entry_id)) order by 1, 2 limit 1""")
        cls.ids = {"$P": f"'{one['r']}'", "$R": f"'{one['r']}'", "$Q": f"'{one['q']}'"}

    def by_hand(self, sql):
        for name, value in self.ids.items():
            sql = sql.replace(name, value)
        s2.psql(self.office.database, f"set session_replication_role = replica; {sql}")

    def look(self, number, books=False):
        out = self.office.out
        return invariants.look(self.office.database, acks=out, keys=self.office.folder / "keys", facts=out / "facts.tsv", only=[number],
                               say=lambda *_: None, books=books)

    #= RULES.md R-JRN-4
    #  The same entry again, alone, in part, reordered or from two connections at once: the first acknowledgement again,
    #  byte for byte
    def test_after_a_day_of_faults_all_that_phones_hold_is_there_and_the_books_are_right(self):
        self.assertEqual(self.round.looked.failures, [])
        self.assertGreater(self.round.faults.total(), 5)
        self.assertGreater(self.round.looked.checks, 1000)
        for number in ("I1", "I2", "I3", "I4", "I5", "I6", "I7", "I8", "I9", "I10", "I12", "I13", "I14"):
            self.assertIn(number, self.round.looked.numbers)

    def test_an_invariant_that_is_broken_by_hand_is_found_each_of_them(self):
        for number, broken, mended in BY_HAND:
            with self.subTest(number, broken=broken):
                self.by_hand(broken)
                if number == "I7":
                    (self.office.out / "facts.tsv").rename(self.office.out / "facts.kept")
                    (self.office.out / "facts.tsv").write_bytes((self.office.out / "facts.kept").read_bytes())
                found = self.look(number)
                found = found if found.failures else self.look(number, books=True)
                self.by_hand(mended)
                if number == "I7":
                    (self.office.out / "facts.kept").rename(self.office.out / "facts.tsv")
                self.assertTrue(found.failures)
                self.assertTrue(all(one.startswith(number + " ") for one in found.failures), found.failures)

    def test_an_acknowledgement_that_was_lost_or_is_forged_is_found(self):
        entries = self.office.out / "entries.tsv"
        kept = entries.read_text(encoding="utf-8")
        lines = kept.splitlines(keepends=True)
        fields = lines[1].split("\t")
        for change in (lambda f: f[:5] + ["00" * 32] + f[6:], lambda f: f[:-1] + [f[-1][:-3] + "00\n"]):
            entries.write_text("".join([lines[0], "\t".join(change(fields)), *lines[2:]]), encoding="utf-8")
            self.assertTrue(self.look("I4").failures)
        entries.write_text(kept, encoding="utf-8")
        self.assertEqual(self.look("I4").failures, [])

    def test_what_must_not_stand_in_a_log_is_found_in_it(self):
        phone = self.office.db.row("select phone from account_state where phone <> '' limit 1")["phone"]
        secret = next((self.office.folder / "keys").glob("token-*.key")).read_text(encoding="ascii").split("secret ")[1].strip()
        log = self.office.out / "odd.log"
        for number, line in (("I14", phone), ("I14", secret), ("I14", "correct horse"), ("I14", "Bearer abc"),
                             ("I13", "==1==ERROR: AddressSanitizer: heap-use-after-free"), ("I13", "rpc.c:1:2: runtime error: shift")):
            log.write_text('{"event":"call"}\n' + line + "\n", encoding="utf-8")
            found = invariants.look(self.office.database, keys=self.office.folder / "keys", logs=[log], secrets=["correct horse"],
                                    only=[number], say=lambda *_: None)
            self.assertEqual(len([one for one in found.failures if one.startswith(number)]), 1, line)

    def test_a_process_that_grows_is_found(self):
        process = invariants.Process(os.getpid())
        looked = invariants.Looked(lambda *_: None)
        process.look(looked, 64 * 1024, 4)
        self.assertEqual(looked.failures, [])
        held = [socket.socket() for _ in range(8)]
        process.look(looked, 64 * 1024, 4)
        for one in held:
            one.close()
        self.assertEqual(len(looked.failures), 1)
        process.rss_kib -= 65 * 1024
        process.look(looked, 64 * 1024, 4)
        self.assertEqual(len(looked.failures), 2)


class EachFault(unittest.TestCase):
    """A server that answers what it is sent, in capitals; every connection has the fault that is asked for."""

    def setUp(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(self.listener.close)
        self.heard = []
        threading.Thread(target=self.serve, daemon=True).start()
        self.proxy = proxy.FaultProxy(self.listener.getsockname(), 1)
        self.proxy.start()
        self.addCleanup(self.proxy.close)

    def serve(self):
        while True:
            try:
                one, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.answer, args=(one,), daemon=True).start()

    def answer(self, one):
        heard = bytearray()
        self.heard.append(heard)
        with one:
            try:
                while data := one.recv(65536):
                    heard += data
                    one.sendall(data.upper())
            except OSError:
                pass

    def connect(self, kind, variant=0, upwards=True, keep=0.5, at_byte=1):
        def drawn(fault, _chance, passed=0):
            fault.kind, fault.variant, fault.upwards = kind if not passed else None, variant, upwards
            fault.at_byte, fault.keep, fault.seconds = at_byte, keep, 0.3
        original = proxy.Fault.__init__
        proxy.Fault.__init__ = drawn
        self.addCleanup(setattr, proxy.Fault, "__init__", original)
        self.proxy.set_faults(True)
        one = socket.create_connection(("127.0.0.1", self.proxy.port), timeout=10)
        self.addCleanup(one.close)
        return one

    def ends(self, one):
        """It ended without a byte."""
        try:
            return one.recv(100) == b""
        except ConnectionError:
            return True

    def test_without_faults_all_bytes_pass(self):
        self.proxy.set_faults(False)
        with socket.create_connection(("127.0.0.1", self.proxy.port), timeout=5) as one:
            sent = os.urandom(200_000).hex().encode()
            threading.Thread(target=one.sendall, args=(sent,), daemon=True).start()
            got = b""
            while len(got) < len(sent):
                got += one.recv(65536)
        self.assertEqual(got, sent.upper())
        self.assertEqual(self.proxy.counts.total(), 0)

    def test_loss_cuts_or_swallows(self):
        for variant in (0, 1):
            one = self.connect("loss", variant)
            one.sendall(b"hello")
            began = time.monotonic()
            self.assertTrue(self.ends(one))
            self.assertEqual(time.monotonic() - began > 0.2, bool(variant))
        self.assertEqual((self.proxy.counts["loss"], b"".join(self.heard)), (2, b""))

    def test_truncate_lets_the_first_part_arrive(self):
        one = self.connect("truncate", variant=1)
        one.sendall(b"0123456789")
        until = time.monotonic() + 5
        while (not self.heard or len(self.heard[0]) < 5) and time.monotonic() < until:
            time.sleep(0.02)
        self.assertEqual((bytes(self.heard[0]), self.proxy.counts["truncate"]), (b"01234", 1))

    def test_truncate_of_an_answer(self):
        one = self.connect("truncate", variant=1, upwards=False)
        one.sendall(b"abcdef")
        self.assertEqual(one.recv(100), b"ABC")
        self.assertTrue(self.ends(one))

    def test_delay_is_late_and_whole(self):
        one = self.connect("delay")
        began = time.monotonic()
        one.sendall(b"hello")
        self.assertEqual(one.recv(100), b"HELLO")
        self.assertGreater(time.monotonic() - began, 0.1)
        self.assertEqual(self.proxy.counts["delay"], 1)

    def test_half_open_leaves_one_side_waiting(self):
        one = self.connect("half-open", variant=0)
        one.settimeout(0.2)
        one.sendall(b"hello")
        self.assertRaises(TimeoutError, one.recv, 100)
        one = self.connect("half-open", variant=1)
        one.sendall(b"hello")
        self.assertTrue(self.ends(one))
        time.sleep(0.1)
        self.assertEqual((bytes(self.heard[1]), self.proxy.counts["half-open"]), (b"hello", 2))

    def test_duplicate_plays_everything_again(self):
        one = self.connect("duplicate", at_byte=201)
        one.sendall(b"a" * 200)
        self.assertEqual(len(one.recv(1000)), 200)
        one.sendall(b"b" * 10)
        self.assertEqual(one.recv(1000), b"B" * 10)
        until = time.monotonic() + 3
        while not self.proxy.counts["duplicate"] and time.monotonic() < until:
            time.sleep(0.05)
        self.assertEqual((len(self.heard), bytes(self.heard[1])), (2, b"a" * 200 + b"b" * 10))
        self.assertEqual(self.proxy.counts["duplicate"], 1)

    def test_swizzle_clog_stops_some_and_lets_all_go_on(self):
        ones = [self.connect(None) for _ in range(6)]
        for one in ones:
            one.sendall(b"x")
            one.recv(1)
        until = time.monotonic() + 5
        while not self.proxy.counts["swizzle-clog"] and time.monotonic() < until:
            time.sleep(0.02)
        self.proxy.set_faults(False)
        for one in ones:
            one.sendall(b"go on")
            self.assertEqual(one.recv(100), b"GO ON")
        self.assertGreater(self.proxy.counts["swizzle-clog"], 0)

    def test_a_server_that_is_not_there_is_a_reset(self):
        self.proxy.target = ("127.0.0.1", s2.free_port())
        try:
            with socket.create_connection(("127.0.0.1", self.proxy.port), timeout=5) as one:
                ended = self.ends(one)
        except ConnectionResetError:  # before connect() had said that it is there
            ended = True
        self.assertTrue(ended)


if __name__ == "__main__":
    spec.main()
