"""What the tests of the local servers share: each server asked in the way its users ask it."""

import asyncio
import json
import sys
from pathlib import Path
from subprocess import PIPE, Popen
from typing import TYPE_CHECKING, Any

import asyncpg
import boto3
import psutil
from botocore.config import Config

from sigreq.embedded.stack import Addresses

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

# A process that owns a stack: it says where the store answers, and then waits to be killed.
_OWNER = """\
import sys
from pathlib import Path
from sigreq.embedded.stack import Stack
print(Stack(Path(sys.argv[1])).start().s3_endpoint, flush=True)
sys.stdin.read()
"""


def query(url: str, *statements: str) -> list[Any]:
    """The first column of each statement's last row, on one connection."""

    async def run() -> list[Any]:
        connection = await asyncpg.connect(url.replace("+asyncpg", ""))
        try:
            return [await connection.fetchval(statement) for statement in statements]
        finally:
            await connection.close()

    return asyncio.run(run())


def s3(addresses: Addresses, who: str) -> "S3Client":
    """A client with the credentials of `samples` or `bundles`."""
    return boto3.client(
        "s3",
        endpoint_url=addresses.s3_endpoint,
        region_name="us-east-1",
        aws_access_key_id=getattr(addresses, f"{who}_access_key"),
        aws_secret_access_key=getattr(addresses, f"{who}_secret_key"),
        config=Config(s3={"addressing_style": "path"}, retries={"total_max_attempts": 1}),
    )


def owner_of(data: Path) -> Popen[str]:
    """Another process that has started a stack on the folder."""
    owner = Popen([sys.executable, "-c", _OWNER, str(data)], stdin=PIPE, stdout=PIPE, text=True)
    assert owner.stdout is not None
    assert owner.stdout.readline().startswith("http://")
    return owner


def servers_of(data: Path) -> list[psutil.Process]:
    """The servers that run on the folder, and after them all that they have started."""
    records = (data / "run").glob("*.json")
    servers = [psutil.Process(json.loads(record.read_text())["pid"]) for record in records]
    assert len(servers) == len(("postgres", "redis", "seaweed"))
    return servers + [child for server in servers for child in server.children(recursive=True)]
