"""A PKCS#11 device signs: SoftHSM, which is one but for the hardware."""

import subprocess
from pathlib import Path

import pkcs11
import pytest
from pkcs11.util.ec import encode_named_curve_parameters
from securesystemslib.signer import HSMSigner

from sigreq.domain.errors import ServiceUnavailable
from sigreq.domain.signing import KeyRole
from sigreq.settings import Trust
from tests.trust.installation import PASSPHRASE
from tests.trust.support import Customer, Site, newest, signed_by

NAME = "acme-av/20261122.1/yara.tar"
MODULE = Path("/usr/lib/softhsm/libsofthsm2.so")
LABEL, PIN, NUMBER = "timestamp", "4711", 2


@pytest.fixture
def device(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A device with one key pair, which never leaves it; the address of the key."""
    assert MODULE.exists(), "SoftHSM is missing: run `sh tools/for-tests`"
    tokens, settings = tmp_path / "tokens", tmp_path / "softhsm2.conf"
    tokens.mkdir()
    settings.write_text(f"directories.tokendir = {tokens}\n")
    monkeypatch.setenv("SOFTHSM2_CONF", str(settings))
    monkeypatch.setenv("PYKCS11LIB", str(MODULE))
    init = ["softhsm2-util", "--init-token", "--free", "--label", LABEL, "--pin", PIN, "--so-pin", PIN]
    subprocess.run(init, check=True, capture_output=True)
    library = pkcs11.lib(str(MODULE))
    library.reinitialize()
    with library.get_token(token_label=LABEL).open(rw=True, user_pin=PIN) as session:
        curve = {pkcs11.Attribute.EC_PARAMS: encode_named_curve_parameters("secp256r1")}
        parameters = session.create_domain_parameters(pkcs11.KeyType.EC, curve, local=True)
        parameters.generate_keypair(store=True, id=bytes([NUMBER]), label=LABEL)
    return f"{HSMSigner.SCHEME}:{NUMBER}?label={LABEL}"


def test_a_device_signs_what_clients_believe_and_only_with_its_pin(site: Site, device: str) -> None:
    uri, public = HSMSigner.import_(NUMBER, LABEL, lambda _: PIN)
    assert uri == device
    root = site.install(site.create(outside={KeyRole.TIMESTAMP: [public]}))
    site.offer("20261122.1", yara=b"rules")

    def trust(pin: str) -> Trust:
        return Trust.model_validate({"passphrase": PASSPHRASE, "signers": {public.keyid: device}, "pin": pin})

    site.trust = trust("0815")
    with pytest.raises(ServiceUnavailable):
        site.publish()
    site.trust = trust(PIN)
    site.publish()
    mirror = site.mirror()
    assert signed_by(newest(mirror, "timestamp")) == {public.keyid}
    assert Customer(site.folder / "customer", root).get(mirror, NAME) == [b"rules"]
