"""What is put off arrives when it is used, whole: in a process of its own, for it is the imports of a process."""

import subprocess
import sys

_KEPT_OUT = "import sys\nfrom edge_agent.lean import PutOff, keep_out\nkeep_out()\n"


def in_a_daemon(code):
    done = subprocess.run(
        [sys.executable, "-c", _KEPT_OUT + code], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def test_a_name_that_was_given_calls_the_real_one():
    code = """
from statistics import median
assert type(sys.modules["statistics"]) is PutOff
print(median([3, 1, 2]), sys.modules["statistics"].fmean([1, 2]))
"""
    assert in_a_daemon(code) == ["2", "1.5"]


def test_a_given_name_is_replaced_by_the_real_one_when_the_module_arrives():
    code = """
import xml.etree.ElementTree as tree
assert tree.Element is None
print(tree.fromstring("<a><b/></a>")[0].tag, isinstance(tree.Element("c"), tree.Element))
"""
    assert in_a_daemon(code) == ["b", "True"]


def test_asyncio_still_speaks_tls():
    code = """
import asyncio, ssl
from asyncio import selector_events
assert type(sys.modules["asyncio.sslproto"]) is PutOff
print(selector_events.sslproto.SSLProtocol.__name__)
"""
    assert in_a_daemon(code) == ["SSLProtocol"]


def test_a_room_of_a_package_comes_without_its_front_and_the_front_still_comes():
    code = """
from nacl.bindings.crypto_sign import crypto_sign_BYTES
assert type(sys.modules["nacl.bindings"]) is PutOff
import nacl.bindings
print(crypto_sign_BYTES, nacl.bindings.crypto_box_NONCEBYTES)
"""
    assert in_a_daemon(code) == ["64", "24"]
