"""What is put off arrives when it is used, whole: in a process of its own, for it is the imports of a process."""

import json
import shutil
import socket
import subprocess
import sys

import pytest
from stage import until

from simulators.demo.agent import AgentProcess

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


def test_the_source_of_a_class_and_a_signature_that_is_text_are_still_read():
    code = """
import inspect
assert type(sys.modules["ast"]) is PutOff
print(inspect.getsource(PutOff).split("(")[0], inspect.signature(dict.get))
"""
    assert " ".join(in_a_daemon(code)) == "class PutOff (self, key, default=None, /)"


def test_asyncio_still_speaks_tls():
    code = """
import asyncio, ssl
from asyncio import selector_events
assert type(sys.modules["asyncio.sslproto"]) is PutOff
print(selector_events.sslproto.SSLProtocol.__name__)
"""
    assert in_a_daemon(code) == ["SSLProtocol"]


def test_before_tls_is_there_nothing_is_of_it_and_threads_that_need_it_get_all_of_it():
    code = """
import socket, ssl
from concurrent.futures import ThreadPoolExecutor
assert not isinstance(socket.socket(), ssl.SSLSocket)
try:
    raise BlockingIOError
except ssl.SSLWantReadError:
    print("wrong")
except BlockingIOError:
    print(type(ssl) is PutOff)
with ThreadPoolExecutor(4) as pool:
    contexts = list(pool.map(lambda _: ssl.create_default_context(), range(4)))
print(len(contexts), issubclass(ssl.SSLWantReadError, ssl.SSLError), issubclass(ssl.SSLSocket, socket.socket))
"""
    assert in_a_daemon(code) == ["True", "4", "True", "True"]


def test_a_room_of_a_package_comes_without_its_front_and_the_front_still_comes():
    code = """
from nacl.bindings.crypto_sign import crypto_sign_BYTES
assert type(sys.modules["nacl.bindings"]) is PutOff
import nacl.bindings
print(crypto_sign_BYTES, nacl.bindings.crypto_box_NONCEBYTES)
"""
    assert in_a_daemon(code) == ["64", "24"]


def test_the_self_test_reaches_a_broker_without_the_tables_of_international_names():
    with socket.create_server(("127.0.0.1", 0)) as server:
        code = f"""
from edge_agent.uplink.probe import Way
found = Way("localhost", {server.getsockname()[1]}, None).tcp()
print(found.verdict.value, "encodings.idna" in sys.modules)
"""
        assert in_a_daemon(code) == ["ok", "False"]


@pytest.fixture
def tls_broker(tmp_path):
    """The port of a mosquitto that speaks TLS as 127.0.0.1, with the certificate in cert.pem."""
    if not (shutil.which("mosquitto") and shutil.which("openssl")):
        pytest.skip("mosquitto or openssl is not installed")
    made = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout key.pem -out cert.pem -days 9000"
    names = ["-subj", "/CN=broker", "-addext", "subjectAltName=IP:127.0.0.1"]
    usage = ["-addext", "keyUsage=critical,keyCertSign,cRLSign,digitalSignature"]
    subprocess.run(["openssl", *made.split(), *names, *usage], cwd=tmp_path, check=True, capture_output=True)
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    (tmp_path / "key.pem").chmod(0o644)
    lines = f"listener {port} 127.0.0.1\nallow_anonymous true\nuser root\n"
    (tmp_path / "broker.conf").write_text(f"{lines}certfile {tmp_path}/cert.pem\nkeyfile {tmp_path}/key.pem\n")
    with subprocess.Popen(["mosquitto", "-c", tmp_path / "broker.conf"], stderr=subprocess.DEVNULL) as process:
        yield port
        process.terminate()


async def test_the_daemon_speaks_tls_when_it_is_configured(tmp_path, tls_broker):
    agent = AgentProcess(tmp_path, {})
    agent.config.write_text(
        f'[paths]\nstate = "{tmp_path}/state"\nruntime = "{tmp_path}"\n[log]\nformat = "json"\n'
        f'[desk]\nunsigned = true\n[consent]\nhelp_ready = true\n[broker]\nhost = "127.0.0.1"\nport = {tls_broker}\n'
        f'tls.ca_file = "{tmp_path}/cert.pem"\n'
    )

    async def connected():
        said = [json.loads(line) for line in agent.log.read_text().splitlines()]
        assert not [line for line in said if line["event"] == "part_restarts"]
        return any(line.get("state") == "up" for line in said)

    try:
        await agent.start()
        await until(connected)
    finally:
        await agent.stop()
