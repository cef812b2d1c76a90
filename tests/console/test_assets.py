"""What pages load."""

import re

import pytest

from sigreq.api.console import assets
from sigreq.api.console.assets import BROUGHT, OWN, Assets, AssetsMissing
from tests.console.conftest import Doors


def test_every_file_that_a_page_names_is_served_for_ever(doors: Doors) -> None:
    browser = doors.browser()
    page = browser.get("/sign-in")
    named = re.findall(r'(?:src|href)="(/assets/[^"]+)"', page.html)
    assert len(named) >= 3
    for address in named:
        answer = browser.http.get(address)
        assert answer.status_code == 200
        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert answer.headers["x-content-type-options"] == "nosniff"
        kind = "text/css; charset=utf-8" if address.endswith("css") else "text/javascript; charset=utf-8"
        assert answer.headers["content-type"] == kind


def test_an_address_changes_with_the_content(monkeypatch: pytest.MonkeyPatch) -> None:
    before = Assets()
    monkeypatch.setattr(assets, "sha256", _other)
    after = Assets()
    assert all(before.address(name) != after.address(name) for name in (*OWN, *BROUGHT))


def _other(content: bytes) -> object:
    from hashlib import sha256  # noqa: PLC0415 - the module's own name for it is replaced

    return sha256(content + b"edited")


def test_an_unknown_file_is_not_found_and_no_path_leads_out(doors: Doors) -> None:
    browser = doors.browser()
    for name in ("console.css", "console-0000000000000000.css", "..%2Fassets.py", "%2e%2e%2fassets.py"):
        assert browser.http.get(f"/assets/{name}").status_code == 404


def test_without_the_files_the_service_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(assets, "BROUGHT", ("never-brought.js",))
    with pytest.raises(AssetsMissing, match="sh tools/assets"):
        Assets()


def test_a_page_may_load_nothing_from_elsewhere_and_run_no_script_of_its_own(doors: Doors) -> None:
    page = doors.browser().get("/sign-in")
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy
    assert page.headers["cache-control"] == "no-store"
    assert not re.search(r"<script(?![^>]*\bsrc=)", page.html)
    assert not re.search(r"\son\w+=|\sstyle=", page.html)
