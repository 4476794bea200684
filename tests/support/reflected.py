# SPDX-License-Identifier: Apache-2.0
"""A client that learns the contract from the server itself, by reflection: python3-grpcio and nothing of ours."""
import grpc
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory


def field(number, name, kind, **more):
    return descriptor_pb2.FieldDescriptorProto(name=name, number=number, type=kind, **{"label": 1, **more})


def reflection_types(package):
    """The few fields of grpc.reflection that are needed to ask for the rest."""
    text, data, message = 9, 12, 11
    file = descriptor_pb2.FileDescriptorProto(name=f"{package}.proto", package=package, syntax="proto3")
    request = file.message_type.add(name="ServerReflectionRequest")
    request.field.extend([field(3, "file_by_filename", text), field(4, "file_containing_symbol", text),
                          field(7, "list_services", text)])
    request.oneof_decl.add(name="message_request")
    for one in request.field:
        one.oneof_index = 0
    file.message_type.add(name="Files").field.append(field(1, "file", data, label=3))
    file.message_type.add(name="Service").field.append(field(1, "name", text))
    file.message_type.add(name="Services").field.append(
        field(1, "service", message, label=3, type_name=f".{package}.Service"))
    file.message_type.add(name="Error").field.append(field(1, "code", 5))
    file.message_type.add(name="ServerReflectionResponse").field.extend([
        field(4, "files", message, type_name=f".{package}.Files"),
        field(6, "services", message, type_name=f".{package}.Services"),
        field(7, "error", message, type_name=f".{package}.Error")])
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    factory = message_factory.MessageFactory(pool)
    return [factory.GetPrototype(pool.FindMessageTypeByName(f"{package}.ServerReflection{kind}"))
            for kind in ("Request", "Response")]


class Contract:
    """What reflection says: services by name, and a message class for each type."""

    def __init__(self, channel, package="grpc.reflection.v1"):
        self.request, self.response = reflection_types(package)
        self.ask = channel.stream_stream(f"/{package}.ServerReflection/ServerReflectionInfo",
                                         self.request.SerializeToString, self.response.FromString)
        self.pool = descriptor_pool.DescriptorPool()
        listed, = self.ask(iter([self.request(list_services="*")]), timeout=10)
        self.services = [one.name for one in listed.services.service]
        wanted = [self.request(file_containing_symbol=name) for name in self.services]
        wanted.append(self.request(file_by_filename="google/rpc/error_details.proto"))
        wanted.append(self.request(file_by_filename="google/rpc/status.proto"))
        files = {}
        for answer in self.ask(iter(wanted), timeout=10):
            for raw in answer.files.file:
                file = descriptor_pb2.FileDescriptorProto.FromString(raw)
                files[file.name] = file
        while files:
            self.add(files, next(iter(files)))
        self.factory = message_factory.MessageFactory(self.pool)

    def add(self, files, name):
        """Imports first, each once."""
        file = files.pop(name, None)
        if file is None:
            return
        for other in file.dependency:
            self.add(files, other)
        self.pool.Add(file)

    def type(self, name):
        return self.factory.GetPrototype(self.pool.FindMessageTypeByName(name))

    def method(self, path):
        service, method = path.rsplit("/", 1)
        return self.pool.FindServiceByName(service).FindMethodByName(method)


class Caller:
    """Calls by name, "Service/Method" of tagih.v1, with fields by keyword."""

    def __init__(self, channel):
        self.channel = channel
        self.contract = Contract(channel)

    def call(self, path, token=None, timeout=30, **fields):
        full = path if path.startswith("grpc.") else f"tagih.v1.{path}"
        method = self.contract.method(full)
        request = self.contract.factory.GetPrototype(method.input_type)(**fields)
        answer = self.contract.factory.GetPrototype(method.output_type)
        send = self.channel.unary_unary(f"/{full}", type(request).SerializeToString, answer.FromString)
        return send(request, timeout=timeout, metadata=[("authorization", f"Bearer {token}")] if token else None)


def reason_of(error):
    """The stable token of a refused call: its ErrorInfo's reason, or the status' name."""
    for key, value in error.trailing_metadata() or ():
        if key == "grpc-status-details-bin":
            at = value.find(b"google.rpc.ErrorInfo")
            tail = value[at + len(b"google.rpc.ErrorInfo"):] if at >= 0 else b""
            if len(tail) > 4 and tail[0] == 0x12:  # Any.value: ErrorInfo, whose field 1 is the reason
                inner = tail[2:] if tail[1] < 128 else tail[3:]
                if inner[:1] == b"\x0a":
                    return inner[2:2 + inner[1]].decode()
    return error.code().name
