#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The edge as it is deployed: the real nginx with deploy/nginx.conf, python3-grpcio on both sides.

Whatever nginx answers by itself must be a gRPC status that a client can act on, and what the server answers must come
through unchanged. The server behind it is grpcio's own, so that only the edge is judged here.
"""
import http.client
import os
import ssl
import subprocess
import sys
import tempfile
import unittest
from concurrent import futures

import grpc

TOP = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
EDGE = os.path.join(TOP, "tests/support/edge.sh")
sys.path.insert(0, os.path.join(TOP, "tests/support"))
import spec  # noqa: E402

DETAILS = b"\x08\x09\x12\x03why"


class Echo(grpc.GenericRpcHandler):
    """Echoes a request; /x/Fail ends with details; /x/Who tells the forwarded address; /x/Many streams."""

    def service(self, details):
        headers = dict(details.invocation_metadata)
        if details.method == "/x/Fail":
            return grpc.unary_unary_rpc_method_handler(self.fail)
        if details.method == "/x/Who":
            seen = headers.get("x-forwarded-for", "").encode()
            return grpc.unary_unary_rpc_method_handler(lambda request, context: seen)
        if details.method == "/x/Many":
            return grpc.unary_stream_rpc_method_handler(lambda request, context: (bytes([i]) for i in range(5)))
        return grpc.unary_unary_rpc_method_handler(lambda request, context: request)

    @staticmethod
    def fail(request, context):
        context.set_trailing_metadata((("grpc-status-details-bin", DETAILS),))
        context.abort(grpc.StatusCode.FAILED_PRECONDITION, "why")


class EdgeSpec(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix="tagih-edge.")
        at = cls.folder.name
        cls.socket, cls.cert, key = (os.path.join(at, name) for name in ("s", "cert.pem", "key.pem"))
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                        "-keyout", key, "-out", cls.cert, "-subj", "/CN=localhost", "-days", "2",
                        "-addext", "subjectAltName=DNS:localhost"], check=True, capture_output=True)
        cls.edge = os.path.join(at, "edge")
        started = subprocess.run([EDGE, "start", cls.edge, cls.socket, cls.cert, key], check=True,
                                 capture_output=True, text=True)
        cls.port = int(started.stdout)
        cls.again = [EDGE, "check", os.path.join(at, "check"), cls.socket, cls.cert, key]

    @classmethod
    def tearDownClass(cls):
        subprocess.run([EDGE, "stop", cls.edge], check=True)
        cls.folder.cleanup()

    def setUp(self):
        with open(self.cert, "rb") as cert:
            self.channel = grpc.secure_channel(f"localhost:{self.port}", grpc.ssl_channel_credentials(cert.read()))
        self.addCleanup(self.channel.close)

    def serve(self):
        server = grpc.server(futures.ThreadPoolExecutor(2))
        server.add_generic_rpc_handlers((Echo(),))
        server.add_insecure_port("unix:" + self.socket)
        server.start()
        self.addCleanup(lambda: server.stop(0).wait())

    def call(self, method, request=b"", **options):
        return self.channel.unary_unary(method)(request, timeout=10, **options)

    def refused(self, *args, **options):
        with self.assertRaises(grpc.RpcError) as caught:
            self.call(*args, **options)
        return caught.exception

    def test_nginx_accepts_the_deployed_file(self):
        subprocess.run(self.again, check=True, capture_output=True)

    def test_a_server_that_is_down_is_UNAVAILABLE(self):
        self.assertEqual(self.refused("/x/Echo").code(), grpc.StatusCode.UNAVAILABLE)

    def test_a_request_above_the_limit_is_RESOURCE_EXHAUSTED(self):
        self.serve()
        error = self.refused("/x/Echo", bytes(2_000_000))
        self.assertEqual(error.code(), grpc.StatusCode.RESOURCE_EXHAUSTED)
        self.assertEqual(error.details(), "the request is larger than 1 MiB")

    def test_a_request_of_one_mebibyte_passes(self):
        self.serve()
        request = os.urandom(1024 * 1024)
        self.assertEqual(self.call("/x/Echo", request), request)

    def test_a_request_that_is_no_gRPC_is_UNIMPLEMENTED(self):
        link = http.client.HTTPSConnection("localhost", self.port, timeout=10,
                                           context=ssl.create_default_context(cafile=self.cert))
        link.request("GET", "/")
        answer = link.getresponse()
        self.assertEqual((answer.status, answer.getheader("grpc-status")), (200, "12"))
        link.close()

    def test_status_message_and_details_come_through(self):
        self.serve()
        error = self.refused("/x/Fail")
        self.assertEqual((error.code(), error.details()), (grpc.StatusCode.FAILED_PRECONDITION, "why"))
        self.assertIn(("grpc-status-details-bin", DETAILS), [tuple(item) for item in error.trailing_metadata()])

    def test_a_stream_comes_through(self):
        self.serve()
        got = list(self.channel.unary_stream("/x/Many")(b"", timeout=10))
        self.assertEqual(got, [bytes([i]) for i in range(5)])

    def test_a_forwarded_address_that_the_client_made_up_is_replaced(self):
        self.serve()
        seen = self.call("/x/Who", metadata=(("x-forwarded-for", "6.6.6.6"),))
        self.assertEqual(seen, b"127.0.0.1")


if __name__ == "__main__":
    spec.main()
