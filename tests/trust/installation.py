"""The settings of an installation whose service the tests themselves are."""

from sigreq.embedded.stack import Addresses

PASSPHRASE = "correct-horse-battery-staple"


def environment(addresses: Addresses) -> dict[str, str]:
    """The settings of an installation on this stack."""
    found = {
        "SIGREQ_DATABASE__URL": addresses.database_url,
        "SIGREQ_REDIS__URL": addresses.redis_url,
        "SIGREQ_S3__ENDPOINT": addresses.s3_endpoint,
        "SIGREQ_TRUST__PASSPHRASE": PASSPHRASE,
    }
    for name in ("samples", "bundles"):
        found[f"SIGREQ_S3__{name.upper()}__NAME"] = getattr(addresses, f"{name}_bucket")
        found[f"SIGREQ_S3__{name.upper()}__ACCESS_KEY"] = getattr(addresses, f"{name}_access_key")
        found[f"SIGREQ_S3__{name.upper()}__SECRET_KEY"] = getattr(addresses, f"{name}_secret_key")
    return found
