"""Whose certificates an HTTPS server may show."""

import ssl
from functools import cache
from urllib.parse import urlsplit

import httpx2


@cache
def trusted() -> ssl.SSLContext:
    """What this machine trusts, or what SSL_CERT_FILE and SSL_CERT_DIR name, as it was when first asked for.

    All clients of a process share it: to read it takes 60 ms of processor time.
    """
    return httpx2.create_ssl_context()


def trusted_at(url: str) -> ssl.SSLContext:
    """The same for a server at this address. A plain one shows no certificate, and there nobody is trusted."""
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT) if urlsplit(url).scheme == "http" else trusted()
