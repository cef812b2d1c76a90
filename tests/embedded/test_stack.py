"""The local servers, real ones, asked with the application's credentials and with none."""

import http.client
import json
import os
import re
import socket
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import asyncpg
import psutil
import pytest
import redis
from botocore.exceptions import ClientError

from sigreq.embedded.process import EmbeddedError, still_alive
from sigreq.embedded.stack import Addresses, Stack
from tests.embedded.support import owner_of, query, s3, servers_of

BUCKETS = {"samples": Addresses.samples_bucket, "bundles": Addresses.bundles_bucket}
OTHER = {"samples": "bundles", "bundles": "samples"}
GONE_SECONDS = 60


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("stack") / "data"


@pytest.fixture(scope="module")
def stack(data: Path) -> Iterator[Stack]:
    stack = Stack(data)
    yield stack
    stack.stop()


@pytest.fixture(scope="module")
def addresses(stack: Stack) -> Addresses:
    return stack.start()


def get(port: int, path: str) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        return response.status, response.read()
    except (http.client.HTTPException, ConnectionError):  # a gRPC port
        return 0, b""
    finally:
        connection.close()


def listening(data: Path) -> set[tuple[str, int]]:
    """Addresses and ports of the store's process."""
    record = json.loads((data / "run" / "seaweed.json").read_text())
    connections = psutil.Process(record["pid"]).net_connections("tcp")
    return {(each.laddr.ip, each.laddr.port) for each in connections if each.status == psutil.CONN_LISTEN}


def test_the_database_answers_both_roles(addresses: Addresses) -> None:
    assert query(addresses.database_url, "select current_user") == ["sigreq_app"]
    assert query(addresses.owner_database_url, "select current_user") == ["sigreq_owner"]


def test_the_owner_owns_the_database_and_no_role_that_logs_in_is_a_superuser(addresses: Addresses) -> None:
    owner, powers = query(
        addresses.database_url,
        "select datdba::regrole::text from pg_database where datname = current_database()",
        "select bool_or(rolsuper or rolcreaterole or rolcreatedb or rolbypassrls) from pg_roles "
        "where rolname in ('sigreq_app', 'sigreq_owner')",
    )
    assert (owner, powers) == ("sigreq_owner", False)


@pytest.mark.parametrize("statement", ["create table t()", "create temp table t()", "create schema s"])
def test_the_application_role_can_create_nothing(addresses: Addresses, statement: str) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        query(addresses.database_url, statement)
    assert query(addresses.owner_database_url, statement, f"drop {'schema s' if 'schema' in statement else 'table t'}")


def test_a_wrong_password_and_the_superuser_do_not_get_in(addresses: Addresses) -> None:
    with pytest.raises(asyncpg.InvalidPasswordError):
        query(re.sub(r":\w+@", ":wrong@", addresses.database_url), "select 1")
    with pytest.raises(asyncpg.InvalidAuthorizationSpecificationError):
        query(addresses.database_url.replace("sigreq_app", "postgres"), "select 1")


def test_redis_serves_its_user_and_refuses_scripts_settings_and_strangers(addresses: Addresses) -> None:
    with redis.Redis.from_url(addresses.redis_url) as client:
        assert client.ping()
        for refused in (["EVAL", "return 1", 0], ["CONFIG", "GET", "dir"], ["SHUTDOWN"]):
            with pytest.raises(redis.exceptions.NoPermissionError):
                client.execute_command(*refused)
    with (
        redis.Redis.from_url(re.sub(r"//.*@", "//", addresses.redis_url)) as stranger,
        pytest.raises(redis.AuthenticationError),
    ):
        stranger.ping()


@pytest.mark.parametrize("who", ["samples", "bundles"])
def test_each_credential_has_its_own_bucket_and_not_the_other(addresses: Addresses, who: str) -> None:
    ours, theirs = s3(addresses, who), s3(addresses, OTHER[who])
    bucket = BUCKETS[who]
    ours.put_object(Bucket=bucket, Key="a/b", Body=who.encode())
    assert ours.get_object(Bucket=bucket, Key="a/b")["Body"].read() == who.encode()
    calls: list[Callable[[], object]] = [
        lambda: theirs.get_object(Bucket=bucket, Key="a/b"),
        lambda: theirs.put_object(Bucket=bucket, Key="c", Body=b""),
        lambda: theirs.delete_object(Bucket=bucket, Key="a/b"),
        lambda: theirs.list_objects_v2(Bucket=bucket),
        lambda: theirs.copy_object(Bucket=BUCKETS[OTHER[who]], Key="c", CopySource=f"{bucket}/a/b"),
    ]
    for denied in calls:
        with pytest.raises(ClientError, match="AccessDenied"):
            denied()


@pytest.mark.parametrize("who", ["samples", "bundles"])
def test_no_credential_can_delete_create_or_open_a_bucket(addresses: Addresses, who: str) -> None:
    client = s3(addresses, who)
    calls: list[Callable[[], object]] = [
        lambda: client.delete_bucket(Bucket=BUCKETS[who]),
        lambda: client.create_bucket(Bucket="another"),
        lambda: client.put_bucket_acl(Bucket=BUCKETS[who], ACL="public-read"),
        lambda: client.put_bucket_policy(Bucket=BUCKETS[who], Policy="{}"),
    ]
    for denied in calls:
        with pytest.raises(ClientError, match="AccessDenied"):
            denied()


def test_no_port_gives_an_object_to_a_stranger(addresses: Addresses, data: Path) -> None:
    body = uuid.uuid4().bytes * 4
    s3(addresses, "samples").put_object(Bucket=addresses.samples_bucket, Key="secret", Body=body, ACL="public-read")
    # Where the volume server keeps the object: its number is what an insider would ask the volume port for.
    volume = next((data / "seaweed" / "store").glob("sigreq-samples_*.dat"))
    content = volume.read_bytes()
    needle = content.rindex(body) - 20
    cookie, key = content[needle : needle + 4].hex(), content[needle + 4 : needle + 12].hex().lstrip("0")
    number = f"/{volume.stem.rpartition('_')[2]},{key}{cookie}"
    paths = (number, "/secret", f"/{addresses.samples_bucket}/secret", f"/buckets/{addresses.samples_bucket}/secret")
    answers = {(port, path): get(port, path) for _, port in listening(data) for path in paths}
    assert answers
    assert [asked for asked, (status, got) in answers.items() if status == 200 or body in got] == []
    # 401 and not 404: the number is right, so only the missing permission stands before the object.
    assert 401 in {answers[asked][0] for asked in answers if asked[1] == number}


def test_all_ports_are_on_loopback_and_below_those_of_outgoing_connections(addresses: Addresses, data: Path) -> None:
    found = listening(data)
    assert int(addresses.s3_endpoint.rpartition(":")[2]) in {port for _, port in found}
    assert {ip for ip, _ in found} == {"127.0.0.1"}
    assert max(port for _, port in found) < 32768


def test_the_text_form_of_the_addresses_shows_no_secret(addresses: Addresses, data: Path) -> None:
    secrets = json.loads((data / "secrets.json").read_text()).values()
    assert not [secret for secret in secrets if secret in repr(addresses)]
    assert any(secret in addresses.database_url for secret in secrets)


def test_data_folder_and_secrets_are_closed_to_others(addresses: Addresses, data: Path) -> None:
    assert addresses
    assert data.stat().st_mode & 0o777 == 0o700
    for name in ("secrets.json", "redis/redis.conf", "seaweed/s3.json", "seaweed/security.toml"):
        assert (data / name).stat().st_mode & 0o777 == 0o600, name


def test_a_crashed_server_comes_back_on_its_address_with_its_data(stack: Stack, addresses: Addresses) -> None:
    query(addresses.owner_database_url, "create table crash(n int)", "insert into crash values (1)")
    s3(addresses, "bundles").put_object(Bucket=addresses.bundles_bucket, Key="crash", Body=b"kept")
    for name in ("postgres", "redis", "seaweed"):
        stack.restart(name)
    assert query(addresses.owner_database_url, "select n from crash") == [1]
    assert s3(addresses, "bundles").get_object(Bucket=addresses.bundles_bucket, Key="crash")["Body"].read() == b"kept"
    with redis.Redis.from_url(addresses.redis_url) as client:
        assert client.ping()


def test_a_folder_in_use_is_refused_and_its_user_named(stack: Stack, addresses: Addresses, data: Path) -> None:
    with pytest.raises(EmbeddedError, match=f"in use by process {os.getpid()}:"):
        Stack(data).start()
    with pytest.raises(EmbeddedError, match="in use"):
        stack.start()
    assert query(addresses.database_url, "select 1") == [1]


def test_a_second_stack_runs_beside_the_first_and_survives_stop_and_a_taken_port(
    addresses: Addresses, tmp_path: Path
) -> None:
    data = tmp_path / ("deep" * 20) / "data"
    with Stack(data) as second:
        assert second.s3_endpoint != addresses.s3_endpoint
        query(second.owner_database_url, "create table kept(n int)", "insert into kept values (7)")
        s3(second, "samples").put_object(Bucket=second.samples_bucket, Key="kept", Body=b"7")
        processes = servers_of(data)
    assert still_alive(processes, 0) == []
    with socket.create_server(("127.0.0.1", int(second.s3_endpoint.rpartition(":")[2]))), Stack(data) as again:
        assert again.s3_endpoint != second.s3_endpoint
        assert query(again.owner_database_url, "select n from kept") == [7]
        assert s3(again, "samples").get_object(Bucket=again.samples_bucket, Key="kept")["Body"].read() == b"7"
    assert query(addresses.database_url, "select 1") == [1]


def test_a_killed_owner_leaves_no_server_and_its_data_is_there_at_the_next_start(tmp_path: Path) -> None:
    data = tmp_path / "data"
    owner = owner_of(data)
    servers = servers_of(data)
    with pytest.raises(EmbeddedError, match=f"in use by process {owner.pid}:"):
        Stack(data).start()
    owner.kill()
    owner.communicate()
    assert still_alive(servers, GONE_SECONDS) == []
    with Stack(data) as addresses:
        assert query(addresses.database_url, "select 1") == [1]
