"""Run by MicroPython: the library of the native link against the vectors. Prints OK, or what differs.

micropython micropython_vectors.py FOLDER_OF_THE_LIBRARY VECTORS
"""

import json
import sys
from binascii import unhexlify

sys.path.insert(0, sys.argv[1])
import edgelink as link


def plain(said):
    if isinstance(said, dict):
        if "hex" in said:
            return unhexlify(said["hex"])
        return {key: plain(value) for key, value in said["map"]}
    return [plain(each) for each in said] if isinstance(said, list) else said


def same(a, b):
    """Equal, whatever the order of a map."""
    if isinstance(a, dict) and isinstance(b, dict):
        return len(a) == len(b) and all(key in b and same(a[key], b[key]) for key in a)
    return type(a) is type(b) and a == b


def check(name, found, wanted):
    if not same(found, wanted):
        print("DIFFERS", name, found, wanted)
        sys.exit(1)


with open(sys.argv[2]) as file:
    vectors = json.load(file)
for vector in vectors["frames"]:
    name, wire, body = vector["name"], unhexlify(vector["wire"]), unhexlify(vector["body"])
    receiver = link.Receiver()
    check(name, receiver.feed(wire), [(vector["type"], vector["number"], body)])
    check(name, [each for byte in wire for each in receiver.feed(bytes([byte]))], receiver.feed(wire))
    check(name, link.frame(vector["type"], vector["number"], body), wire)
    said = plain(vector["says"])
    if not isinstance(said, bytes):
        check(name, link.unpack(body), said)
        check(name, link.unpack(link.pack(said)), said)
        check(name, len(link.pack(said)), len(body))
for vector in vectors["bad"]:
    receiver = link.Receiver()
    check(vector["name"], receiver.feed(unhexlify(vector["wire"]) + link.frame(2, 9, b"")), [(2, 9, b"")])
    check(vector["name"], (receiver.good, receiver.bad), (1, 1))
for vector in vectors["streams"]:
    numbers = [number for _, number, _ in link.Receiver().feed(unhexlify(vector["wire"]))]
    check(vector["name"], numbers, [each for each in vector["holds"] if isinstance(each, int)])
# damaged bodies are the one error
damaged = 0
for vector in vectors["frames"]:
    body = unhexlify(vector["body"])
    for end in range(len(body)):
        for change in (0, 0x41, 0xFF):
            bent = body[:end] + bytes([body[end] ^ change]) if change else body[:end]
            try:
                link.unpack(bent)
            except ValueError:
                damaged += 1
deep = b"\x91" * 50
try:
    link.unpack(deep)
except ValueError:
    damaged += 1
print("OK", len(vectors["frames"]), len(vectors["bad"]), len(vectors["streams"]), damaged > 1000)
