"""Runs in the guest as root: takes JSON lines from a virtio serial port, runs commands, tells what they say.

-> {"id": 7, "run": ["ls"], "stdin": "base64"}    <- {"id": 7, "out": "base64"} ... {"id": 7, "exit": 0}
-> {"id": 8, "ping": true}                        <- {"id": 8, "exit": 0}
-> {"id": 7, "kill": true}                        kills that command and all it started
"""

import base64
import json
import os
import signal
import subprocess
import threading
import time
from pathlib import Path

NAME = "edge.control"
ENVIRONMENT = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "HOME": "/root",
    "LANG": "C.UTF-8",
    "PYTHONUNBUFFERED": "1",
}
CHUNK = 65536


def find_port():
    """The port's device; also before udev has made a link."""
    while True:
        for port in Path("/sys/class/virtio-ports").glob("*"):
            if (port / "name").read_text().strip() == NAME:
                return f"/dev/{port.name}"
        time.sleep(0.05)


class Agent:
    def __init__(self):
        self.port = os.open(find_port(), os.O_RDWR)
        self.lock = threading.Lock()
        self.running = {}

    def tell(self, **message):
        data = json.dumps(message).encode() + b"\n"
        with self.lock:
            while data:
                data = data[os.write(self.port, data) :]

    def listen(self):
        parts = []
        while True:
            try:
                data = os.read(self.port, CHUNK)
            except OSError:
                data = b""
            if not data:  # nobody is at the host's end
                time.sleep(0.1)
                continue
            *lines, rest = data.split(b"\n")
            for line in lines:
                self.take(b"".join((*parts, line)))
                parts = []
            parts.append(rest)

    def take(self, line):
        try:
            message = json.loads(line)
        except ValueError:
            return
        if "run" in message:
            threading.Thread(target=self.run, args=(message,), daemon=True).start()
        elif "kill" in message:
            process = self.running.get(message["id"])
            if process is not None:
                os.killpg(process.pid, signal.SIGKILL)
        else:
            self.tell(id=message["id"], exit=0)

    def run(self, message):
        number, pipe = message["id"], subprocess.PIPE
        try:
            process = subprocess.Popen(
                message["run"],
                stdin=pipe,
                stdout=pipe,
                stderr=subprocess.STDOUT,
                env=ENVIRONMENT,
                cwd="/root",
                start_new_session=True,
            )
        except OSError as error:
            self.tell(id=number, out=base64.b64encode(f"{error}\n".encode()).decode())
            self.tell(id=number, exit=127)
            return
        self.running[number] = process
        hearing = threading.Thread(target=self.hear, args=(number, process), daemon=True)
        hearing.start()
        try:
            process.stdin.write(base64.b64decode(message.get("stdin", "")))
            process.stdin.close()
        except OSError:
            pass  # it did not want it
        code = process.wait()
        hearing.join(2.0)  # what it left in the background may hold the pipe
        del self.running[number]
        self.tell(id=number, exit=code)

    def hear(self, number, process):
        while data := os.read(process.stdout.fileno(), CHUNK // 4):
            self.tell(id=number, out=base64.b64encode(data).decode())


if __name__ == "__main__":
    Agent().listen()
