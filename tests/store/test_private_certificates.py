"""A store whose certificate was signed by nobody that the world knows."""

import asyncio
import ipaddress
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from sigreq.blobs import Blobs
from sigreq.domain.errors import ServiceUnavailable
from sigreq.embedded.stack import Addresses
from tests.trust.support import stores

PIECE = 1 << 16
HERE = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1")), x509.DNSName("localhost")])


def _certificate(name: str, key: ec.EllipticCurvePrivateKey, by: ec.EllipticCurvePrivateKey) -> bytes:
    """One for this machine, in PEM, that the key of an authority signed; the authority's own where both are its key."""
    called, authority = (x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, each)]) for each in (name, "Authority"))
    made = (
        x509.CertificateBuilder(authority, called, key.public_key(), x509.random_serial_number())
        .not_valid_before(datetime.now(UTC) - timedelta(hours=1))
        .not_valid_after(datetime.now(UTC) + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=key is by, path_length=None), critical=True)
        .add_extension(HERE, critical=False)
    )
    return made.sign(by, hashes.SHA256()).public_bytes(Encoding.PEM)


@pytest.fixture
def certificates(tmp_path: Path) -> Path:
    """A folder with the certificate of an authority, and one that it signed with its key."""
    authority, server = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    (tmp_path / "ca.pem").write_bytes(_certificate("Authority", authority, authority))
    own = server.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (tmp_path / "server.pem").write_bytes(own + _certificate("Store", server, authority))
    return tmp_path


@asynccontextmanager
async def _in_front_of(endpoint: str, certificate: Path) -> AsyncIterator[int]:
    """The port of a TLS server that passes on to the store whatever it gets."""
    where, waiting = urlsplit(endpoint), set[asyncio.Task[None]]()

    async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while piece := await reader.read(PIECE):
                writer.write(piece)
                await writer.drain()
        finally:
            writer.transport.abort()  # it does not wait for the other side to say goodbye

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        of_store = await asyncio.open_connection(where.hostname, where.port)
        for ways in ((reader, of_store[1]), (of_store[0], writer)):
            waiting.add(asyncio.create_task(pass_on(*ways)))

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for each in waiting:
            each.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        await asyncio.sleep(0)  # for the transports to end


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_store_with_a_certificate_of_ones_own_is_read_and_written_where_the_settings_name_its_authority(
    addresses: Addresses, certificates: Path, monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    monkeypatch.setenv("AWS_CA_BUNDLE", str(certificates / "ca.pem"))  # one of the two libraries would go by it
    content = bytes(range(256)) * 1024
    digest = sha256(content).hexdigest()

    async def use() -> None:
        async with _in_front_of(addresses.s3_endpoint, certificates / "server.pem") as port:
            strange = stores(addresses).model_copy(update={"endpoint": f"https://{host}:{port}"})
            known = strange.model_copy(update={"ca_file": certificates / "ca.pem"})
            blobs = Blobs(known, known.samples)
            await blobs.put_bytes("private/one", content, digest)
            into = BytesIO()
            assert (await blobs.fetch("private/one", into), into.getvalue() == content) == (digest, True)
            assert await blobs.fetch_small({"private/one": digest}, len(content)) == [content]
            assert await blobs.keys("private/") == ["private/one"]
            unknown = Blobs(strange, strange.samples)
            for call in (unknown.ping(), unknown.fetch("private/one", BytesIO())):
                with pytest.raises(ServiceUnavailable):
                    await call

    asyncio.run(use())
