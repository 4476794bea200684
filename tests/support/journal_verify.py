#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""An independent reader and writer of everything Tagih signs: cbor2 and PyNaCl, no line shared with the C code.

The fields come from the CDDL in proto/README.md, the content from tests/vectors/journal/cases.json.

    journal_verify.py check          every vector: bytes, signature, hash, fields; every bad one must be refused
    journal_verify.py create         write good.tsv and bad.tsv from cases.json
    journal_verify.py foreign DIR    turn public Ed25519 and COSE vectors (JSON) into lines for envelope_spec
    journal_verify.py corpus DIR     one file a vector, as seeds for the fuzzer
"""
import hashlib
import io
import json
import pathlib
import re
import sys

import cbor2
from nacl.exceptions import BadSignatureError
from nacl.signing import SigningKey, VerifyKey

ROOT = pathlib.Path(__file__).resolve().parents[2]
VECTORS = ROOT / "tests/vectors/journal"
INSTALLATION = bytes(range(0xA0, 0xB0))
SEEDS = {"device": b"\x01" * 32, "server": b"\x02" * 32}
KINDS = {1: "receipt", 2: "void", 3: "check-in", 4: "visit-outcome", 5: "promise", 6: "deposit", 7: "day-close",
         8: "reprint", 9: "receipt-number-lost", 10: "key-rotation", 32: "handover", 33: "incident"}
MEDIA_TYPE = "application/vnd.tagih.%s+cose"
MAX = 4096


class Refused(Exception):
    """The bytes are not what they should be; the message is the reason's name in err.def."""


def cddl():
    """{map: {key: (name, type, optional)}} from the page that clients read."""
    maps, current = {}, None
    for line in (ROOT / "proto/README.md").read_text().split("## CDDL")[1].splitlines():
        if match := re.fullmatch(r"([a-z-]+) = \{", line):
            current = maps.setdefault(match[1], {})
        elif match := re.fullmatch(r"  (\? )?(-?\d+): (.+),  ; (\w+)", line):
            current[int(match[2])] = (match[4], match[3], bool(match[1]))
    return maps


MAPS = cddl()
RANGES = {"int64": (-2**63, 2**63 - 1), "count": (0, 2**63 - 1), "time-us": (-2**60, 2**60)}


def number_range(kind):
    if kind in RANGES:
        return RANGES[kind]
    match = re.fullmatch(r"(-?\d+)\.\.(-?\d+)", kind)
    return (int(match[1]), int(match[2])) if match else None


def list_of(kind):
    match = re.fullmatch(r"\[(\d+)\*(\d+) (.+)\]", kind)
    return (int(match[1]), int(match[2]), match[3]) if match else None


def expand(text):
    """Hexadecimal; "d1*16" is a byte repeated."""
    digits, _, times = text.partition("*")
    return bytes.fromhex(digits) * int(times or 1)


def build(kind, value, outer=None):
    """From the names of cases.json to integer keys and bytes."""
    if kind == "body":
        kind = KINDS[outer["kind"]]
    if kind in MAPS:
        return {key: build(inner, value[name], value)
                for key, (name, inner, optional) in MAPS[kind].items() if name in value or not optional}
    if (listed := list_of(kind)):
        return [build(listed[2], one) for one in value]
    if kind.startswith("bstr .size"):
        return expand(value)
    if kind == "text-bytes":
        return bytes.fromhex(value["hex"]) if isinstance(value, dict) else value.encode()
    return value


def need(condition, reason="PAYLOAD_FIELD"):
    if not condition:
        raise Refused(reason)


def check_map(kind, value):
    """A map against its CDDL."""
    need(isinstance(value, dict))
    fields = MAPS[kind]
    need(set(value) <= set(fields))
    need({key for key, field in fields.items() if not field[2]} <= set(value))
    for key in value:
        inner = fields[key][1]
        if inner == "body":
            need(value[1] in KINDS, "JOURNAL_KIND")
            inner = KINDS[value[1]]
        check_value(inner, value[key])


def check_value(kind, value):
    if kind in MAPS:
        check_map(kind, value)
    elif (listed := list_of(kind)):
        need(isinstance(value, list) and listed[0] <= len(value) <= listed[1])
        for one in value:
            check_value(listed[2], one)
    elif (limits := number_range(kind)):
        need(type(value) is int and limits[0] <= value <= limits[1])
    elif kind.startswith("bstr .size"):
        need(isinstance(value, bytes) and len(value) == int(kind.split()[-1]))
    elif kind == "text-bytes":
        need(isinstance(value, bytes))
    elif kind == "currency":
        need(isinstance(value, str) and re.fullmatch(r"[!-~]{3}", value))
    else:
        need(kind == "bool" and isinstance(value, bool))


def plain(value):
    """Only what deterministic CBOR of ours may hold."""
    if isinstance(value, dict):
        return all(type(key) is int and plain(one) for key, one in value.items())
    if isinstance(value, list):
        return all(plain(one) for one in value)
    return type(value) in (int, bytes, str, bool)


def load(data, reason):
    """One item, all of the bytes, in the form this encoder would give it."""
    stream = io.BytesIO(data)
    try:
        value = cbor2.load(stream)
        canonical = cbor2.dumps(value, canonical=True)
    except Exception as error:  # cbor2 raises many kinds for garbage
        raise Refused(reason) from error
    need(stream.tell() == len(data) and plain(value) and canonical == data, reason)
    return value


def to_be_signed(header, payload, installation=INSTALLATION):
    return cbor2.dumps(["Signature1", header, installation, payload], canonical=True)


def key_id(public):
    return hashlib.sha256(public).digest()[:8]


def seal(kind, payload, signer, installation=INSTALLATION, header=None):
    key = SigningKey(SEEDS[signer])
    if header is None:
        header = cbor2.dumps({1: -8, 4: key_id(bytes(key.verify_key)), 16: MEDIA_TYPE % kind}, canonical=True)
    signature = key.sign(to_be_signed(header, payload, installation)).signature
    return cbor2.dumps([header, {}, payload, signature], canonical=True)


def open_envelope(data, kind, public, installation=INSTALLATION):
    """Envelope -> (payload bytes, hash), or Refused."""
    need(len(data) <= MAX, "ENVELOPE_TOO_LARGE")
    parts = load(data, "ENVELOPE_SYNTAX")
    need(isinstance(parts, list) and len(parts) == 4 and parts[1] == {}, "ENVELOPE_SYNTAX")
    need(all(isinstance(parts[i], bytes) for i in (0, 2, 3)) and len(parts[3]) == 64, "ENVELOPE_SYNTAX")
    header = load(parts[0], "ENVELOPE_SYNTAX")
    need(isinstance(header, dict) and list(header) == [1, 4, 16] and header[1] == -8, "ENVELOPE_SYNTAX")
    need(isinstance(header[4], bytes) and len(header[4]) == 8 and isinstance(header[16], str), "ENVELOPE_SYNTAX")
    need(header[16] == MEDIA_TYPE % kind, "ENVELOPE_TYPE")
    message = to_be_signed(parts[0], parts[2], installation)
    try:
        VerifyKey(public).verify(message, parts[3])
    except BadSignatureError as error:
        raise Refused("ENVELOPE_SIGNATURE") from error
    return parts[2], hashlib.sha256(message).hexdigest()


def verify(data, kind, public):
    """Everything: envelope, signature, form and fields. Returns (fields, hash)."""
    payload, digest = open_envelope(data, kind, public)
    fields = load(payload, "PAYLOAD_SYNTAX")
    check_map(kind, fields)
    return fields, digest


def public_of(signer):
    return bytes(SigningKey(SEEDS[signer]).verify_key)


def cases():
    return json.loads((VECTORS / "cases.json").read_text())


def rows(name):
    for line in (VECTORS / name).read_text().splitlines():
        if not line.startswith("#"):
            yield line.split("\t")


def bad_cases():
    """(name, type, reason, bytes): one thing wrong in each, and everything else right."""
    case = next(one for one in cases() if one["name"] == "receipt-full")
    fields = build("journal-entry", case["fields"])
    payload = cbor2.dumps(fields, canonical=True)
    good = seal("journal-entry", payload, "device")
    parts = cbor2.loads(good)
    header = cbor2.loads(parts[0])
    entry = lambda data: seal("journal-entry", data, "device")
    dump = lambda value: cbor2.dumps(value, canonical=True)
    without = lambda gone: {key: value for key, value in fields.items() if key != gone}
    body = lambda **changes: dump({**fields, 16: {**fields[16], **{int(k[1:]): v for k, v in changes.items()}}})
    flip = lambda at: good[:at] + bytes([good[at] ^ 1]) + good[at + 1:]
    syntax, field = "PAYLOAD_SYNTAX", "PAYLOAD_FIELD"
    yield "tag-18", "ENVELOPE_SYNTAX", b"\xd2" + good
    yield "array-of-5", "ENVELOPE_SYNTAX", dump(parts + [b""])
    yield "indefinite-array", "ENVELOPE_SYNTAX", b"\x9f" + good[1:] + b"\xff"
    yield "trailing-byte", "ENVELOPE_SYNTAX", good + b"\x00"
    yield "cut-short", "ENVELOPE_SYNTAX", good[:-1]
    yield "empty", "ENVELOPE_SYNTAX", b""
    yield "unprotected-kid", "ENVELOPE_SYNTAX", dump([parts[0], {4: b"11"}, parts[2], parts[3]])
    yield "signature-of-63", "ENVELOPE_SYNTAX", dump([parts[0], {}, parts[2], parts[3][:63]])
    yield "payload-null", "ENVELOPE_SYNTAX", dump([parts[0], {}, None, parts[3]])
    yield "array-head-of-2-bytes", "ENVELOPE_SYNTAX", b"\x98\x04" + good[1:]
    yield "too-large", "ENVELOPE_TOO_LARGE", entry(b"\x00" * 4096)
    for name, changed in (("alg-es256", {**header, 1: -7}), ("kid-of-7", {**header, 4: header[4][:7]}),
                          ("no-kid", {1: -8, 16: header[16]}), ("extra-header", {**header, 17: 0}),
                          ("typ-as-bytes", {**header, 16: header[16].encode()})):
        yield name, "ENVELOPE_SYNTAX", seal("", payload, "device", header=dump(changed))
    unsorted = b"\xa3" + dump(4) + dump(header[4]) + dump(1) + dump(-8) + dump(16) + dump(header[16])
    yield "header-unsorted", "ENVELOPE_SYNTAX", seal("", payload, "device", header=unsorted)
    yield "type-ack", "ENVELOPE_TYPE", seal("ack", payload, "device")
    yield "type-unknown", "ENVELOPE_TYPE", seal("journal", payload, "device")
    yield "other-installation", "ENVELOPE_SIGNATURE", seal("journal-entry", payload, "device", installation=b"\x00" * 16)
    yield "other-key", "ENVELOPE_SIGNATURE", seal("journal-entry", payload, "server")
    yield "flipped-payload", "ENVELOPE_SIGNATURE", flip(good.index(fields[5]) + 3)
    yield "flipped-signature", "ENVELOPE_SIGNATURE", flip(len(good) - 20)
    yield "flipped-kid", "ENVELOPE_SIGNATURE", flip(good.index(header[4]))
    yield "payload-empty", syntax, entry(b"")
    yield "payload-trailing", syntax, entry(payload + b"\x00")
    yield "payload-cut", syntax, entry(payload[:-1])
    yield "payload-indefinite", syntax, entry(b"\xbf" + payload[1:] + b"\xff")
    yield "number-too-long", syntax, entry(payload.replace(b"\x01\x01\x02\x50", b"\x01\x18\x01\x02\x50", 1))
    yield "key-too-long", syntax, entry(payload.replace(b"\x01\x01\x02\x50", b"\x18\x01\x01\x02\x50", 1))
    pair = lambda key: dump(key) + dump(fields[key])
    yield "keys-unsorted", syntax, entry(payload.replace(pair(10) + pair(11), pair(11) + pair(10), 1))
    yield "key-twice", syntax, entry(bytes([payload[0] + 1]) + pair(1) + payload[1:])
    yield "float-seq", syntax, entry(dump({**fields, 4: 4.5}))
    yield "null-shift", syntax, entry(dump({**fields, 10: None}))
    yield "tagged-id", syntax, entry(dump({**fields, 6: cbor2.CBORTag(37, fields[6])}))
    yield "payload-array", field, entry(dump([1, 2]))
    yield "head-incomplete", field, entry(dump(without(9)))
    yield "body-missing", field, entry(dump(without(16)))
    yield "head-unknown-field", field, entry(dump({**fields, 17: 0}))
    yield "body-unknown-field", field, entry(body(k16=0))
    yield "epoch-0", field, entry(dump({**fields, 3: 0}))
    yield "seq-0", field, entry(dump({**fields, 4: 0}))
    yield "seq-beyond-int64", field, entry(dump({**fields, 4: 2**63}))
    yield "device-of-15", field, entry(dump({**fields, 2: fields[2][:15]}))
    yield "amount-beyond-int64", field, entry(body(k1=2**63))
    yield "currency-of-4", field, entry(body(k2="IDRX"))
    yield "currency-unprintable", field, entry(body(k2="I\x00R"))
    yield "text-as-text", field, entry(body(k7="Budi"))
    yield "mock-as-number", field, entry(body(k13={**fields[16][13], 7: 0}))
    yield "kind-99", "JOURNAL_KIND", entry(dump({**fields, 1: 99}))


def create():
    with open(VECTORS / "good.tsv", "w") as out:
        out.write("# name, type, signer, hash, envelope; written by tests/support/journal_verify.py create\n")
        for case in cases():
            data = seal(case["type"], cbor2.dumps(build(case["type"], case["fields"]), canonical=True), case["signer"])
            digest = open_envelope(data, case["type"], public_of(case["signer"]))[1]
            out.write("\t".join((case["name"], case["type"], case["signer"], digest, data.hex())) + "\n")
    with open(VECTORS / "bad.tsv", "w") as out:
        out.write("# name, reason, envelope: refused as a journal entry of the device's; written as good.tsv\n")
        for name, reason, data in bad_cases():
            out.write("\t".join((name, reason, data.hex())) + "\n")


def check():
    wanted = {case["name"]: case for case in cases()}
    seen = set()
    for name, kind, signer, digest, text in rows("good.tsv"):
        fields, found = verify(bytes.fromhex(text), kind, public_of(signer))
        assert found == digest, f"{name}: hash"
        assert fields == build(kind, wanted[name]["fields"]), f"{name}: fields"
        seen.add(name)
    assert seen == set(wanted), f"without a vector: {set(wanted) ^ seen}"
    count = 0
    for name, reason, text in rows("bad.tsv"):
        try:
            verify(bytes.fromhex(text), "journal-entry", public_of("device"))
        except Refused as refused:
            assert str(refused) == reason, f"{name}: {refused}, expected {reason}"
        else:
            raise AssertionError(f"{name}: accepted")
        count += 1
    assert count >= 40, "bad.tsv is incomplete"
    print(f"{len(seen)} vectors agree, {count} bad ones are refused")


def foreign(folder):
    """Lines `name verdict key message signature`. Verdict of the vectors' authors: 1 verifies, 0 does not, K the key must not
    be enrolled, - that depends on who verifies, E a whole COSE_Sign1 stands as the message and no key or signature."""
    folder = pathlib.Path(folder)
    for group in json.loads((folder / "wycheproof-ed25519.json").read_text())["testGroups"]:
        key = (group.get("publicKey") or group["key"])["pk"]
        for test in group["tests"]:
            verdict = {"valid": "1", "invalid": "0"}[test["result"]]
            print("wycheproof-%d" % test["tcId"], verdict, key, test["msg"] or ".", test["sig"] or ".")
    for number, test in enumerate(json.loads((folder / "speccheck-ed25519.json").read_text())):
        print(f"speccheck-{number}", "-", test["pub_key"], test["message"], test["signature"])
    low = {"low_order_A", "low_order_component_A", "non_canonical_A"}
    for test in json.loads((folder / "cctv-ed25519.json").read_text()):
        verdict = "K" if low & set(test["flags"] or ()) else "-"
        print("cctv-%s" % test["number"], verdict, test["key"], test["msg"].encode().hex() or ".", test["sig"])
    case = json.loads((folder / "cose-eddsa-sig-01.json").read_text())
    signature = cbor2.loads(bytes.fromhex(case["output"]["cbor"])).value[3]
    print("cose-eddsa-sig-01", "1", case["input"]["sign0"]["key"]["x_hex"],
          case["intermediates"]["ToBeSign_hex"], signature.hex())
    for number in ("01", "02"):
        case = json.loads((folder / f"cose-eddsa-sig-{number}.json").read_text())
        print(f"cose-eddsa-sig-{number}", "E", ".", case["output"]["cbor"], ".")


def corpus(folder):
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for name, *_, text in list(rows("good.tsv")) + list(rows("bad.tsv")):
        (folder / name).write_bytes(bytes.fromhex(text))


if __name__ == "__main__":
    commands = {"check": check, "create": create, "foreign": foreign, "corpus": corpus}
    if len(sys.argv) < 2 or sys.argv[1] not in commands:
        sys.exit(__doc__)
    commands[sys.argv[1]](*sys.argv[2:])
