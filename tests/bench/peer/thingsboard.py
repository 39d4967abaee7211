"""ThingsBoard IoT Gateway from the package index, in a virtual environment of its own, with SQLite storage."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.bench.peer.cloud import THINGSBOARD
from tests.bench.peer.rig import Gateway, NotMeasuredError, say

PACKAGE = "thingsboard-gateway"
_ROOT = Path(__file__).resolve().parents[3]
_INSTALL_S = 300.0


def environment() -> Path:
    """The virtual environment that has it: PEER_VENV, or .venv-peer, made where it is not. Raises NotMeasuredError."""
    folder = Path(os.environ.get("PEER_VENV", _ROOT / ".venv-peer")).absolute()
    if (folder / "bin" / PACKAGE).exists():
        return folder
    say(f"installing {PACKAGE} into {folder.name} (a minute, the first time only)")
    try:
        for command in (
            [sys.executable, "-m", "venv", str(folder)],
            [str(folder / "bin/python"), "-m", "pip", "install", "-q", "--disable-pip-version-check", PACKAGE],
        ):
            subprocess.run(command, check=True, capture_output=True, text=True, timeout=_INSTALL_S)
    except (subprocess.SubprocessError, OSError) as error:
        said = (getattr(error, "stderr", "") or str(error)).strip().splitlines()[-1:]
        raise NotMeasuredError(
            f"{PACKAGE} cannot be installed from the package index: {' '.join(said)[:300]} "
            f"Install it by hand where there is one, and name its virtual environment by PEER_VENV."
        ) from error
    return folder


def version(folder: Path) -> str:
    command = [str(folder / "bin/python"), "-c", f"from importlib.metadata import version; print(version({PACKAGE!r}))"]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=60.0).stdout.strip()


def gateway(folder: Path, local: int, uplink: int, *, venv: Path, logs: Path) -> Gateway:
    """Its data in `folder`; configuration and logs elsewhere, so that they are not counted as its writing."""
    shipped = next(venv.glob("lib/python3*/site-packages/thingsboard_gateway/config"))
    settings = logs / "config"
    for made in (settings, logs / "logs", folder / "data"):
        made.mkdir(parents=True)
    general = json.loads((shipped / "tb_gateway.json").read_text(encoding="utf-8"))
    general["thingsboard"] |= {
        "host": "127.0.0.1",
        "port": uplink,
        "remoteConfiguration": False,
        "statistics": {"enable": False, "statsSendPeriodInSeconds": 3600},
        "security": {"type": "accessToken", "accessToken": "bench"},
    }
    general["storage"] = _storage(folder / "data")
    general["connectors"] = [{"type": "mqtt", "name": "local", "configuration": "mqtt.json"}]
    for name, told in (("tb_gateway.json", general), ("mqtt.json", _source(local)), ("list.json", {})):
        (settings / name).write_text(json.dumps(told), encoding="utf-8")
    (settings / "logs.json").write_bytes((shipped / "logs.json").read_bytes())
    return Gateway(THINGSBOARD, [str(venv / "bin" / PACKAGE)], logs, {"TB_GW_CONFIG_DIR": f"{settings}/"})


def _storage(folder: Path) -> dict[str, Any]:
    """Its durable one, with the values of its documentation; the default is memory."""
    return {
        "type": "sqlite",
        "data_file_path": f"{folder}/",
        "messages_ttl_check_in_hours": 1,
        "messages_ttl_in_days": 7,
        "max_read_records_count": 1000,
        "size_limit": 1024,
        "max_db_amount": 10,
        "oversize_check_period": 1,
        "writing_batch_size": 10000,
    }


def _source(port: int) -> dict[str, Any]:
    """The same subscription as ours, session kept by the broker too; one value of each message."""
    naming = {
        "deviceNameExpressionSource": "message",
        "deviceNameExpression": "${sensor}",
        "deviceProfileExpressionSource": "constant",
        "deviceProfileExpression": "default",
    }
    values = [{"type": "double", "key": "v", "value": "${v}"}]
    reading = {"type": "json", "deviceInfo": naming, "timeout": 60000, "attributes": [], "timeseries": values}
    broker = {
        "host": "127.0.0.1",
        "port": port,
        "clientId": "peer",
        "version": 5,
        "maxMessageNumberPerWorker": 10,
        "maxNumberOfWorkers": 100,
        "cleanSession": False,
        "cleanStart": False,
        "sessionExpiryInterval": 3600,
        "security": {"type": "anonymous"},
    }
    mapping = [{"topicFilter": "sensor/+/data", "subscriptionQos": 1, "converter": reading}]
    return {"broker": broker, "mapping": mapping, "requestsMapping": {}}
