#!/usr/bin/env python3
"""ctypes_test.py LIBFLE_C VECTORS: libfle's C interface from Python, by ctypes alone.

Keys, a schema, documents, values, commands and a stream, there and back; what must be refused; and a known
answer of the CSFLE specification.
"""

import ctypes
import os
import re
import struct
import sys
from ctypes import POINTER, byref, c_char_p, c_int, c_size_t, c_uint, c_uint64, c_void_p

fle = ctypes.CDLL(sys.argv[1])
TEXT = [c_char_p, c_size_t]
BYTES = [c_char_p, c_size_t]
ERROR = c_void_p

# Name -> what it returns, what it takes before the error. A handle is a void*, which ctypes would cut to an int.
FUNCTIONS = {
    "providers_create": (c_void_p, TEXT + [c_void_p, c_uint]),
    "providers_add_local": (c_int, [c_void_p] + TEXT + BYTES),
    "vault_open_memory": (c_void_p, []),
    "vault_open_file": (c_void_p, TEXT + [c_uint]),
    "keys_create": (c_void_p, [c_void_p, c_void_p, c_uint]),
    "key_options_create": (c_void_p, []),
    "key_options_add_name": (c_int, [c_void_p] + TEXT),
    "keys_create_key": (c_int, [c_void_p, c_char_p, c_void_p]),
    "keys_find": (c_int, [c_void_p, c_char_p] + TEXT),
    "keys_list": (c_int, [c_void_p, c_void_p]),
    "keys_import": (c_int, [c_void_p] + BYTES),
    "encrypt_value": (c_int, [c_void_p, c_void_p, c_int, c_char_p] + BYTES),
    "decrypt_value": (c_int, [c_void_p, c_void_p] + BYTES),
    "encrypt_value_into": (c_int, [c_void_p, c_void_p, POINTER(c_size_t), c_int, c_char_p, c_int] + BYTES),
    "schema_create": (c_void_p, TEXT + TEXT),
    "cipher_create": (c_void_p, [c_void_p, c_void_p, c_uint]),
    "encrypt_documents": (c_int, [c_void_p, c_void_p] + BYTES),
    "decrypt_documents": (c_int, [c_void_p, c_void_p] + BYTES),
    "commands_create": (c_void_p, [c_void_p, c_uint]),
    "commands_set_schema": (c_int, [c_void_p] + TEXT + [c_void_p]),
    "encrypt_command": (c_int, [c_void_p, c_void_p] + TEXT + BYTES),
    "decrypt_reply": (c_int, [c_void_p, c_void_p] + BYTES),
    "stream_create": (c_void_p, [c_void_p, c_int]),
    "stream_push": (c_int, [c_void_p, c_void_p] + BYTES),
    "stream_finish": (c_int, [c_void_p, c_void_p]),
}
for name, (result, arguments) in FUNCTIONS.items():
    function = getattr(fle, "fle_" + name)
    function.restype, function.argtypes = result, arguments + [ERROR]
for name, result in {"version": c_char_p, "error_create": c_void_p, "buffer_create": c_void_p}.items():
    getattr(fle, "fle_" + name).restype = result
for name, result in {"error_code": c_int, "error_message": c_char_p, "error_path": c_char_p, "error_document": c_uint64,
                     "buffer_data": c_void_p, "buffer_size": c_size_t, "buffer_fields": c_uint64}.items():
    getattr(fle, "fle_" + name).restype = result
    getattr(fle, "fle_" + name).argtypes = [c_void_p]
for name in ["error", "buffer", "providers", "vault", "key_options", "keys", "schema", "cipher", "commands", "stream"]:
    getattr(fle, f"fle_{name}_destroy").restype = None
    getattr(fle, f"fle_{name}_destroy").argtypes = [c_void_p]

DETERMINISTIC, RANDOM, ENCRYPT, DECRYPT, BEST_EFFORT = 1, 2, 1, 2, 1
NOT_GIVEN = (None, 0)
error = fle.fle_error_create()
buffer = fle.fle_buffer_create()


class Refused(Exception):
    pass


def call(name, *arguments):
    """Calls a function; bytes are passed with their size. What is in the buffer is returned by result()."""
    flat = []
    for a in arguments:
        flat += [a, len(a)] if isinstance(a, bytes) else a if isinstance(a, tuple) else [a]
    result = getattr(fle, "fle_" + name)(*flat, error)
    if fle.fle_error_code(error) != 0:
        raise Refused(fle.fle_error_code(error), fle.fle_error_message(error).decode())
    return result


def result():
    return ctypes.string_at(fle.fle_buffer_data(buffer), fle.fle_buffer_size(buffer))


def refused(code, name, *arguments):
    try:
        call(name, *arguments)
    except Refused as why:
        assert why.args[0] == code, why
        return why.args[1]
    raise AssertionError(f"{name} was not refused")


class Binary(bytes):
    subtype = 0


class Uuid(Binary):
    subtype = 4


def bson(document):
    """As much of BSON as this test needs."""
    out = b""
    for key, value in document.items() if isinstance(document, dict) else enumerate(document):
        key = str(key).encode() + b"\0"
        if isinstance(value, Binary):
            out += b"\x05" + key + struct.pack("<iB", len(value), value.subtype) + value
        elif isinstance(value, str):
            text = value.encode() + b"\0"
            out += b"\x02" + key + struct.pack("<i", len(text)) + text
        elif isinstance(value, int):
            out += b"\x10" + key + struct.pack("<i", value)
        elif isinstance(value, float):
            out += b"\x09" + key + struct.pack("<q", int(value))  # of this test: a date
        else:
            out += (b"\x03" if isinstance(value, dict) else b"\x04") + key + bson(value)
    return struct.pack("<i", len(out) + 5) + out + b"\0"


def open_keys(master_key):
    providers = call("providers_create", NOT_GIVEN, None, BEST_EFFORT)
    call("providers_add_local", providers, b"local", master_key)
    vault = call("vault_open_memory")
    keys = call("keys_create", vault, providers, BEST_EFFORT)
    fle.fle_vault_destroy(vault)
    fle.fle_providers_destroy(providers)
    return keys


keys = open_keys(os.urandom(96))
options = call("key_options_create")
call("key_options_add_name", options, b"patients")
key_id = ctypes.create_string_buffer(16)
call("keys_create_key", keys, key_id, options)
fle.fle_key_options_destroy(options)
found = ctypes.create_string_buffer(16)
call("keys_find", keys, found, b"patients")
assert found.raw == key_id.raw
assert "nobody" in refused(300, "keys_find", keys, found, b"nobody")
call("keys_list", keys, buffer)
assert b"patients" in result()

# A schema, and documents of it.
uuid = key_id.raw.hex()
uuid = "-".join([uuid[:8], uuid[8:12], uuid[12:16], uuid[16:20], uuid[20:]])
encrypt = '{"encrypt": {"bsonType": "%s", "algorithm": "AEAD_AES_256_CBC_HMAC_SHA_512-%s", "keyId": [{"$uuid": "' + uuid + '"}]}}'
json = '{"bsonType": "object", "properties": {"ssn": %s, "note": %s}}' % (
    encrypt % ("int", "Deterministic"), encrypt % ("string", "Random"))
schema = call("schema_create", json.encode(), NOT_GIVEN)
refused(200, "schema_create", b"{", NOT_GIVEN)
cipher = call("cipher_create", keys, schema, 0)
patients = b"".join(bson({"name": "Ann", "ssn": i, "note": "canary %d" % i}) for i in range(2000))
call("encrypt_documents", cipher, buffer, patients)
sealed = result()
assert fle.fle_buffer_fields(buffer) == 4000 and b"canary" not in sealed
call("decrypt_documents", cipher, buffer, sealed)
assert result() == patients
text = refused(104, "encrypt_documents", cipher, buffer, patients + bson({"ssn": "canary"}))
assert fle.fle_error_document(error) == 2001 and fle.fle_error_path(error) == b"ssn" and "canary" not in text
assert result() == b""

# A stream, in pieces.
for direction, data, expected in [(ENCRYPT, patients, len(sealed)), (DECRYPT, sealed, len(patients))]:
    stream, out = call("stream_create", cipher, direction), b""
    for at in range(0, len(data), 10007):
        call("stream_push", stream, buffer, data[at:at + 10007])
        out += result()
    call("stream_finish", stream, buffer)
    out += result()
    fle.fle_stream_destroy(stream)
    assert len(out) == expected
    if direction == DECRYPT:
        assert out == patients
stream = call("stream_create", cipher, DECRYPT)
call("stream_push", stream, buffer, sealed[:-1])
refused(402, "stream_finish", stream, buffer)
fle.fle_stream_destroy(stream)

# A value, and a search for it.
call("encrypt_value", keys, buffer, DETERMINISTIC, key_id, bson({"v": 7}))
value = result()
call("decrypt_value", keys, buffer, value)
assert result() == bson({"v": 7})
payload = value[-83:-1]
assert payload in sealed
commands = call("commands_create", keys, 0)
find = bson({"find": "patients", "filter": {"ssn": 7}})
refused(512, "encrypt_command", commands, buffer, b"clinic", find)
call("commands_set_schema", commands, b"clinic.patients", schema)
call("encrypt_command", commands, buffer, b"clinic", find)
assert payload in result()
refused(503, "encrypt_command", commands, buffer, b"clinic", bson({"find": "patients", "filter": {"note": "x"}}))
call("encrypt_documents", cipher, buffer, patients[:patients[0]])
call("decrypt_reply", commands, buffer, result())
assert result() == patients[:patients[0]]

# What does not fit is said to Python, too.
refused(1, "encrypt_documents", None, buffer, patients)
refused(1, "vault_open_file", b"a\0b", 0)
refused(305, "providers_create", b'{"local": {"key": "AA=="}}', None, 0)

# The specification's own master key, wrapped data key and payload.
def known(file, **wanted):
    """The case of a file of vectors that has these values, by name."""
    for case in open(f"{sys.argv[2]}/csfle/{file}.txt").read().split("\n\n"):
        values = {n: bytes.fromhex(v) for n, v in re.findall(r"^(\w+) = ([0-9a-f]*)$", case, re.M)}
        if wanted.items() <= values.items():
            return values
    raise AssertionError(f"no such case in {file}.txt")


value = b"\x08\0\0\0string0\0"
wrapped = known("key_wrap")
answer = known("deterministic", plaintext=value, key=wrapped["plaintext"])
theirs = open_keys(wrapped["key"])
call("keys_import", theirs, bson({
    "_id": Uuid(answer["key_id"]), "keyMaterial": Binary(wrapped["sealed"]), "creationDate": 0.0, "updateDate": 0.0, "status": 0,
    "masterKey": {"provider": "local"}}))
size = c_size_t(0)
known_id = ctypes.create_string_buffer(answer["key_id"], 16)
call("encrypt_value_into", theirs, None, byref(size), DETERMINISTIC, known_id, 2, value)
assert size.value == 82
room = ctypes.create_string_buffer(size.value)
call("encrypt_value_into", theirs, room, byref(size), DETERMINISTIC, known_id, 2, value)
assert room.raw == answer["payload"], room.raw.hex()

for handle in ["commands", "cipher", "schema", "keys"]:
    getattr(fle, f"fle_{handle}_destroy")(globals()[handle])
fle.fle_keys_destroy(theirs)
print(f"libfle {fle.fle_version().decode()} by ctypes: {len(patients)} bytes of documents came back")
fle.fle_buffer_destroy(buffer)
fle.fle_error_destroy(error)
