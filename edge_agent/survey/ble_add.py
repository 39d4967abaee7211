"""One device that was heard, put in the configuration: which language reads it, and whether its key does."""

import argparse
import sys
import time
from pathlib import Path
from typing import NamedTuple

from edge_agent.config.load import load
from edge_agent.config.mistakes import ConfigProblems
from edge_agent.console.text import clean, with_fix
from edge_agent.control.types import BleSurvey, HeardBle
from edge_agent.core.errors import ConfigError
from edge_agent.drivers.registry import LANGUAGES
from edge_agent.survey.adding import Addition, add_and_tell, refuse
from edge_agent.survey.knowing import KEY, advert_of, known, lasting, unreadable
from firmware_bridges.registry import language

MAX_KEY_BYTES = 1024


class _RefusedError(Exception):
    """Why it is not added."""


class Wanted(NamedTuple):
    """What is to be added, to which file, as the command line has it; `language` and `key_file` may be empty."""

    address: str
    name: str
    file: str
    language: str
    key_file: str
    as_json: bool

    @classmethod
    def of(cls, args: argparse.Namespace) -> "Wanted":
        """Of the command's arguments."""
        return cls(args.add, args.name, args.config, args.language or "", args.key_file or "", args.json)

    def refusal(self) -> str:
        """What speaks against it before anybody has listened; empty: nothing."""
        try:
            config = load(self.file, LANGUAGES)
            if self.language:
                language(self.language)
            self._key()
        except ConfigProblems as problems:
            return f"nothing can be added to {self.file} as it is:\n{problems}"
        except (ConfigError, _RefusedError) as error:
            return str(error)
        for device in config.ble.device:
            if device.address.upper() == self.address:
                return f"{self.address} is in {self.file} already, as {device.name}"
        if any(device.name == self.name for device in config.devices):
            return f"{self.name} is another device in {self.file}; choose another --name"
        return ""

    def is_known(self, survey: BleSurvey) -> bool:
        """Whether enough was heard."""
        row = self._row(survey)
        return row is not None and bool(self.language or known(row))

    def add(self, survey: BleSurvey) -> int:
        """Put it in, or say why not; an exit code."""
        row = self._row(survey)
        try:
            addition = self._addition(row, survey)
        except (_RefusedError, ConfigError) as error:
            return self.refuse(str(error))
        if row is not None and lasting(row) == "changes":
            told = "changes every few minutes, if its maker keeps to the rules; it is heard no more then"
            sys.stderr.write(f"edge-agent: an address such as {self.address} {told}\n")
        return add_and_tell(self.file, addition, as_json=self.as_json)

    def refuse(self, why: str) -> int:
        """Say why it is not added; an exit code."""
        return refuse(why, as_json=self.as_json)

    def _row(self, survey: BleSurvey) -> HeardBle | None:
        return next((row for row in survey.heard if row.address == self.address), None)

    def _addition(self, row: HeardBle | None, survey: BleSurvey) -> Addition:
        """Raises _RefusedError, and ConfigError where a key is none."""
        name, key = self.language or self._language_of(row, survey), self._key()
        options = {KEY: key} if key else {}
        if row is not None and (why := unreadable(name, options, advert_of(row))):
            raise _RefusedError(f"{self.address} speaks {name}, but {why}. {_advice(name, key)}")
        values = {"name": self.name, "address": self.address, "language": name}
        signal = "not heard" if row is None else f"heard at {row.rssi_median_dbm} dBm"
        called = f"{clean(row.name)}, " if row is not None and row.name else ""
        comment = f"{called}{signal} on {time.strftime('%Y-%m-%d')} (edge-agent survey ble)"
        return Addition("ble.device", {**values, **({"options": options} if options else {})}, comment, secret=key)

    def _language_of(self, row: HeardBle | None, survey: BleSurvey) -> str:
        if row is None and not survey.ready and not survey.heard:
            raise _RefusedError(clean(f"Bluetooth is not ready: {with_fix(survey.sentence, survey.fix)}"))
        if row is None:
            advice = "Bring it nearer, wake it, or listen longer with --for; --language adds it unheard"
            raise _RefusedError(f"{self.address} was not heard in {survey.listened_s:.0f} s. {advice}")
        found = known(row)
        if len(found) == 1:
            return found[0].language
        if not found:
            raise _RefusedError(f"{self.address} was heard, but no language here knows it. Name one with --language")
        names = " and ".join(each.language for each in found)
        raise _RefusedError(f"{self.address} is understood by {names}. Choose one with --language")

    def _key(self) -> str:
        """What is in the key's file, without spaces; empty without one. Raises _RefusedError."""
        if not self.key_file:
            return ""
        try:
            with Path(self.key_file).open("rb") as file:
                key = b"".join(file.read(MAX_KEY_BYTES).split()).decode("ascii")
        except OSError as error:
            raise _RefusedError(f"{self.key_file} cannot be read: {error.strerror}") from error
        except UnicodeDecodeError as error:
            raise _RefusedError(f"in {self.key_file} is no key, which is written in hexadecimal digits") from error
        if not key:
            raise _RefusedError(f"{self.key_file} is empty; its key belongs there")
        return key


def _advice(name: str, key: str) -> str:
    if key:
        return "Look at its key again, or leave --key-file out where it has none"
    return f"Put its key ({language(name).options[KEY].doc}) in a file, and name that with --key-file"
