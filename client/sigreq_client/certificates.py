"""Whose certificates an HTTPS server may show."""

import ssl
from functools import cache

import httpx2


@cache
def trusted() -> ssl.SSLContext:
    """What this machine trusts, or what SSL_CERT_FILE and SSL_CERT_DIR name, as it was when first asked for.

    All clients of a process share it: to read it takes 60 ms of processor time.
    """
    return httpx2.create_ssl_context()
