#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A client that nobody here wrote: python3-grpcio, which learns the contract from the server itself by reflection.

The same calls go through the unix socket and through the real nginx with TLS (tests/support/edge.sh). A phone is
enrolled on the way, its envelopes made by cbor2 and PyNaCl. argv[1] is the binary; TAGIH_TEST_PG names the cluster.
"""
import hashlib
import os
import signal
import subprocess
import sys
import tempfile
import time
import unittest
import uuid

import cbor2
import grpc
from google.protobuf import any_pb2
from nacl.signing import SigningKey

TOP = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
EDGE = os.path.join(TOP, "tests/support/edge.sh")
sys.path.insert(0, os.path.join(TOP, "tests/support"))
import reflected  # noqa: E402
import spec  # noqa: E402

BINARY = os.path.abspath(sys.argv.pop(1))
POSTGRES = os.environ["TAGIH_TEST_PG"]
DETAILS = "grpc-status-details-bin"


# ---- the server, as an operator sets it up -----------------------------------------------------------------------

class Installation:
    """A database, keys, two people, the server on a unix socket, nginx in front."""

    def __init__(self):
        self.folder = tempfile.TemporaryDirectory(prefix="tagih-contract.")
        at = self.folder.name
        self.database = f"contract_{os.getpid()}"
        self.psql(POSTGRES, f"create database {self.database} template template0")
        self.owner = f"{POSTGRES} dbname={self.database}"
        self.env = {name: value for name, value in os.environ.items() if not name.startswith("TAGIH_")}
        self.env |= {"TAGIH_OWNER_URL": self.owner, "TAGIH_DATABASE_URL": f"{self.owner} user=tagih_app",
                     "TAGIH_KEYS_DIR": f"{at}/keys", "TAGIH_STATE_DIR": f"{at}/state", "TAGIH_SOCKET": f"{at}/s"}
        self.run("migrate")
        for purpose in ("token", "device", "ack"):
            self.run("key", "new", purpose)
        self.agency = {}
        self.add("sari", "supervisor", "--new-agency", "Acme", "--time-zone", "Asia/Jakarta")
        self.add("budi", "collector", "--agency", "Acme")
        self.log = open(f"{at}/log", "w+", encoding="utf-8")
        self.server = subprocess.Popen([BINARY, "serve"], env=self.env, stderr=self.log)
        self.socket = f"unix:{at}/s"
        self.start_edge(at)

    @staticmethod
    def psql(conninfo, statement):
        subprocess.run(["psql", "-qX", "-v", "ON_ERROR_STOP=1", conninfo, "-c", statement], check=True)

    def run(self, *words):
        done = subprocess.run([BINARY, *words], env=self.env, capture_output=True, text=True, timeout=60)
        if done.returncode:
            raise RuntimeError(f"tagihd {' '.join(words)}: {done.stderr}")
        return dict(line.split(" ", 1) for line in done.stdout.splitlines() if " " in line)

    def add(self, login, role, *words):
        told = self.run("user", "add", "--login", login, "--name", login.title(), "--role", role, "--generate", *words)
        self.agency[login] = told

    def start_edge(self, at):
        self.cert = f"{at}/cert.pem"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                        "-keyout", f"{at}/key.pem", "-out", self.cert, "-subj", "/CN=localhost", "-days", "2",
                        "-addext", "subjectAltName=DNS:localhost"], check=True, capture_output=True)
        self.edge = f"{at}/edge"
        started = subprocess.run([EDGE, "start", self.edge, f"{at}/s", self.cert, f"{at}/key.pem"], check=True,
                                 capture_output=True, text=True)
        self.port = int(started.stdout)

    def channel(self, edge):
        if not edge:
            return grpc.insecure_channel(self.socket)
        with open(self.cert, "rb") as roots:
            return grpc.secure_channel(f"localhost:{self.port}", grpc.ssl_channel_credentials(roots.read()))

    def close(self):
        subprocess.run([EDGE, "stop", self.edge], check=False)
        self.server.send_signal(signal.SIGTERM)
        code = self.server.wait(timeout=30)
        self.log.close()
        self.psql(POSTGRES, f"drop database {self.database} with (force)")
        self.folder.cleanup()
        return code


class Client:
    def __init__(self, installation, edge):
        self.channel = installation.channel(edge)
        for _ in range(200):
            try:
                grpc.channel_ready_future(self.channel).result(timeout=10)
                self.caller = reflected.Caller(self.channel)
                self.contract, self.call = self.caller.contract, self.caller.call
                return
            except grpc.RpcError:  # nginx is there before the server
                time.sleep(0.05)
        raise RuntimeError("the server does not answer")


# ---- a phone -----------------------------------------------------------------------------------------------------

class Phone:
    """Enrolled with a code, confirmed by a supervisor, known by its key."""

    def __init__(self, client, installation, supervisor):
        self.client, self.key = client, SigningKey.generate()
        user = installation.agency["budi"]["user"]
        code = client.call("DeviceService/CreateEnrolCode", supervisor, user_id=user, code_id=str(uuid.uuid4())).code
        typed = hashlib.sha256(code.replace("-", "").encode()).digest()
        self.installation = installation_id(installation)
        proof = self.sign("enrolment-proof", {1: bytes(self.key.verify_key), 2: typed, 3: time.time_ns() // 1000})
        enrolled = client.call("DeviceService/Enrol", code=code, public_key=bytes(self.key.verify_key), proof=proof)
        assert enrolled.installation_id == self.installation
        self.id = enrolled.device_id
        client.call("DeviceService/ConfirmDevice", supervisor, device_id=self.id, accept=True)
        nonce = client.call("DeviceService/GetNonce", device_id=self.id).nonce
        proof = self.sign("nonce-proof", {1: uuid.UUID(self.id).bytes, 2: 1, 3: nonce})
        self.token = client.call("DeviceService/Authenticate", device_id=self.id, proof=proof).access_token

    def sign(self, kind, fields):
        """COSE_Sign1 as proto/README.md describes it."""
        kid = hashlib.sha256(bytes(self.key.verify_key)).digest()[:8]
        header = cbor2.dumps({1: -8, 4: kid, 16: f"application/vnd.tagih.{kind}+cose"}, canonical=True)
        payload = cbor2.dumps(fields, canonical=True)
        signed = cbor2.dumps(["Signature1", header, self.installation, payload], canonical=True)
        return cbor2.dumps([header, {}, payload, self.key.sign(signed).signature], canonical=True)


def installation_id(installation):
    """Given to a phone at enrolment, on paper or by QR code; here from the database."""
    done = subprocess.run(["psql", "-qXAt", installation.owner, "-c", "select installation_id from installation"],
                          check=True, capture_output=True, text=True)
    return uuid.UUID(done.stdout.strip()).bytes


# ---- the spec ----------------------------------------------------------------------------------------------------

class Calls:
    """Run twice: over the socket, and through the edge."""
    edge = False

    @classmethod
    def setUpClass(cls):
        cls.client = Client(INSTALLATION, cls.edge)
        told = INSTALLATION.agency["sari"]
        cls.token = cls.client.call("SessionService/Login", login="sari", password=told["password"]).tokens.access_token

    @classmethod
    def tearDownClass(cls):
        cls.client.channel.close()

    def refused(self, *args, **fields):
        with self.assertRaises(grpc.RpcError) as caught:
            self.client.call(*args, **fields)
        return caught.exception

    def details(self, error):
        """{type name: message} of google.rpc.Status, whose code and message repeat the outer ones."""
        raw = dict(error.trailing_metadata())[DETAILS]
        status = self.client.contract.type("google.rpc.Status").FromString(raw)
        self.assertEqual((status.code, status.message), (error.code().value[0], error.details()))
        found = {}
        for one in status.details:
            name = one.type_url.rsplit("/", 1)[1]
            found[name] = self.client.contract.type(name).FromString(any_pb2.Any.FromString(one.SerializeToString()).value)
        return found

    def test_reflection_lists_the_services_under_both_of_its_names(self):
        old = reflected.Contract(self.client.channel, "grpc.reflection.v1alpha")
        self.assertEqual(sorted(old.services), sorted(self.client.contract.services))
        for name in ("tagih.v1.CheckInService", "tagih.v1.SyncService", "tagih.v1.FeedService", "grpc.health.v1.Health"):
            self.assertIn(name, old.services)

    def test_every_method_of_every_listed_service_can_be_called(self):
        """A row for each: none answers UNIMPLEMENTED."""
        contract = self.client.contract
        for service in contract.services:
            for method in contract.pool.FindServiceByName(service).methods:
                if not service.startswith("tagih.") or method.name == "WatchChanges":
                    continue
                path = f"{service.removeprefix('tagih.v1.')}/{method.name}"
                try:
                    self.client.call(path, self.token)
                except grpc.RpcError as error:
                    self.assertNotIn(error.code(), (grpc.StatusCode.UNIMPLEMENTED, grpc.StatusCode.INTERNAL), path)

    def test_it_is_serving(self):
        self.assertEqual(self.client.call("grpc.health.v1.Health/Check", service="tagih.v1.SyncService").status, 1)

    def test_who_am_i(self):
        me = self.client.call("SessionService/WhoAmI", self.token)
        self.assertEqual((me.user_id, me.name, list(me.roles)), (INSTALLATION.agency["sari"]["user"], "Sari", ["supervisor"]))

    def test_without_a_token_it_is_UNAUTHENTICATED_and_says_why(self):
        error = self.refused("SessionService/WhoAmI")
        self.assertEqual(error.code(), grpc.StatusCode.UNAUTHENTICATED)
        info = self.details(error)["google.rpc.ErrorInfo"]
        self.assertEqual((info.reason, info.domain), ("TOKEN_MISSING", "tagih"))

    def test_the_outcomes_are_a_versioned_list(self):
        outcomes = self.client.call("VisitService/ListOutcomes", self.token)
        self.assertGreaterEqual(outcomes.version, 1)
        self.assertIn("NOT_HOME", [one.code for one in outcomes.outcomes])

    def test_a_staff_token_does_not_check_in(self):
        error = self.refused("CheckInService/CheckIn", self.token)
        self.assertEqual(error.code(), grpc.StatusCode.PERMISSION_DENIED)
        self.assertEqual(self.details(error)["google.rpc.ErrorInfo"].reason, "NOT_PERMITTED")

    def test_a_phones_bad_check_in_names_every_wrong_field(self):
        phone = Phone(self.client, INSTALLATION, self.token)
        error = self.refused("CheckInService/CheckIn", phone.token, check_in_id="no id", visit_id=str(uuid.uuid4()))
        self.assertEqual(error.code(), grpc.StatusCode.INVALID_ARGUMENT)
        bad = self.details(error)["google.rpc.BadRequest"]
        named = {one.field for one in bad.field_violations}
        self.assertLessEqual({"check_in_id", "device_us", "boot_id", "fixes"}, named)

    def test_a_phones_check_in_at_a_strange_visit_is_denied(self):
        phone = Phone(self.client, INSTALLATION, self.token)
        now = time.time_ns() // 1000
        fix = {"lat_e7": -61754000, "lon_e7": 1068272000, "accuracy_mm": 8000, "fix_us": now, "provider": 1}
        error = self.refused("CheckInService/CheckIn", phone.token, check_in_id=str(uuid.uuid4()),
                             visit_id=str(uuid.uuid4()), device_us=now, boot_id=b"boot", fixes=[fix])
        self.assertEqual(error.code(), grpc.StatusCode.PERMISSION_DENIED)

    def test_a_phone_pulls_its_first_day(self):
        phone = Phone(self.client, INSTALLATION, self.token)
        day = self.client.call("SyncService/Pull", phone.token)
        self.assertEqual([one.WhichOneof("item") for one in day.changes], ["outcomes", "allowance"])
        self.assertEqual(len(self.client.call("SyncService/Pull", phone.token, cursor=day.cursor).changes), 0)

    def test_the_feed_waits_and_answers(self):
        first = self.client.call("FeedService/ListChanges", self.token)
        for _ in range(20):  # what other tests changed a moment ago may still be on its way
            began = time.monotonic()
            answer = self.client.call("FeedService/ListChanges", self.token, cursor=first.cursor, wait_ms=300)
            self.assertFalse(answer.resync)
            self.assertTrue(answer.cursor)
            first = answer
            if not answer.changes:
                break
        self.assertEqual(len(answer.changes), 0)
        self.assertGreaterEqual(time.monotonic() - began, 0.3)

    def test_a_stream_begins_with_a_cursor(self):
        method = self.client.contract.method("tagih.v1.FeedService/WatchChanges")
        kinds = [self.client.contract.factory.GetPrototype(kind) for kind in (method.input_type, method.output_type)]
        stream = self.client.channel.unary_stream("/tagih.v1.FeedService/WatchChanges", kinds[0].SerializeToString,
                                                  kinds[1].FromString)
        call = stream(kinds[0](), timeout=10, metadata=[("authorization", f"Bearer {self.token}")])
        self.assertTrue(next(call).cursor)
        call.cancel()

    def test_a_method_that_is_not_there_is_UNIMPLEMENTED(self):
        send = self.client.channel.unary_unary("/tagih.v1.CheckInService/NoSuchMethod")
        with self.assertRaises(grpc.RpcError) as caught:
            send(b"", timeout=10)
        self.assertEqual(caught.exception.code(), grpc.StatusCode.UNIMPLEMENTED)


class OverTheSocket(Calls, unittest.TestCase):
    pass


class ThroughTheEdge(Calls, unittest.TestCase):
    edge = True


class AtTheEnd(unittest.TestCase):
    def test_a_server_that_is_told_to_stop_ends_well(self):
        self.assertEqual(INSTALLATION.close(), 0)


def load_tests(loader, _tests, _pattern):
    return unittest.TestSuite(loader.loadTestsFromTestCase(one) for one in (OverTheSocket, ThroughTheEdge, AtTheEnd))


if __name__ == "__main__":
    INSTALLATION = Installation()
    try:
        spec.main()
    finally:
        if INSTALLATION.server.poll() is None:
            INSTALLATION.close()
