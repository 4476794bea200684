#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Seeds for tests/fuzz/requests_fuzz.c: for each method of the contract one full request, and for each kind of wrong
bytes one request that has it. Made from the descriptor set that the build leaves.

    request_seeds.py BUILD/proto/contract.binpb tests/fuzz/corpus/fuzz_requests"""
import os
import sys

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

ID = "0197f000-0000-7000-8000-000000000001"
DEPTH_MAX = 3


def place_of(path):
    """The two bytes that choose a method: place_of() of requests_fuzz.c."""
    hash_ = 2166136261
    for byte in path.encode():
        hash_ = (hash_ ^ byte) * 16777619 & 0xFFFFFFFF
    return ((hash_ ^ hash_ >> 16) & 0xFFFF).to_bytes(2, "big")


def text_for(name):
    if name.endswith("_id") or name.endswith("_ids"):
        return ID
    if name.endswith("_on") or name.endswith("_until"):
        return "2026-05-28"
    if name == "currency":
        return "IDR"
    return "1" if "amount" in name or "balance" in name else "budi"


def value_for(field):
    if field.type == field.TYPE_STRING:
        return text_for(field.name)
    if field.type == field.TYPE_BYTES:
        return b"\x01\x02\x03\x04"
    if field.type == field.TYPE_BOOL:
        return True
    if field.type == field.TYPE_ENUM:
        return field.enum_type.values[-1].number
    return 1780000000000000 if field.name.endswith("_us") else 7


def fill(message, depth=0):
    for field in message.DESCRIPTOR.fields:
        if field.containing_oneof and message.WhichOneof(field.containing_oneof.name):
            continue
        if field.type == field.TYPE_MESSAGE:
            if depth == DEPTH_MAX:
                continue
            inner = getattr(message, field.name)
            fill(inner.add() if field.label == field.LABEL_REPEATED else inner, depth + 1)
            if field.label != field.LABEL_REPEATED:
                inner.SetInParent()
        elif field.label == field.LABEL_REPEATED:
            getattr(message, field.name).append(value_for(field))
        else:
            setattr(message, field.name, value_for(field))
    return message


def field_bytes(number, content):
    assert number < 16 and len(content) < 128
    return bytes([number << 3 | 2, len(content)]) + content


def wrong_bytes():
    """name, method, message"""
    check_in = "/tagih.v1.CheckInService/CheckIn"
    deep = b""
    for _ in range(20):
        deep = field_bytes(6, deep)
    yield "empty", check_in, b""
    yield "cut-field", check_in, b"\x0a\x24ab"
    yield "varint-without-end", check_in, b"\x18" + b"\xff" * 11
    yield "wire-type-of-groups", check_in, b"\x0b\x0c"
    yield "text-not-utf8", check_in, field_bytes(1, b"\xff\xfe")
    yield "text-with-nul", check_in, field_bytes(1, b"a\0b")
    yield "enum-unknown", check_in, field_bytes(6, b"\x28\x63")
    yield "deep", check_in, deep
    yield "too-many-empty", check_in, field_bytes(6, b"") * 20001
    yield "field-zero", check_in, b"\x00\x00"
    yield "field-unknown", check_in, b"\xfa\x3f\x01x"


def main(descriptors, folder):
    with open(descriptors, "rb") as file:
        files = descriptor_pb2.FileDescriptorSet.FromString(file.read())
    pool = descriptor_pool.DescriptorPool()
    for file in files.file:
        pool.Add(file)
    os.makedirs(folder, exist_ok=True)
    seeds = list(wrong_bytes())
    for file in files.file:
        for service in file.service:
            for method in service.method:
                path = f"/{file.package}.{service.name}/{method.name}"
                type_ = message_factory.MessageFactory(pool).GetPrototype(
                    pool.FindMessageTypeByName(method.input_type.lstrip(".")))
                name = path.strip("/").replace("/", ".")
                seeds.append((name, path, fill(type_()).SerializeToString(deterministic=True)))
    for name, path, message in seeds:
        with open(os.path.join(folder, name), "wb") as file:
            file.write(place_of(path) + message)
    print(f"{len(seeds)} seeds")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
