"""A file of a case: where it lies, and the bytes around what rules hit, bounded and as text only."""

import time
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from io import BytesIO

import psutil

from sigreq.embedded.service import Service
from tests.console.conftest import Doors
from tests.database import open_transactions
from tests.flows import drafted
from tests.world import MARKER, World, rule, wait_for

HOSTILE = b"<script>hit()</script>"


def zipped(**members: bytes) -> bytes:
    made = BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return made.getvalue()


def test_a_file_in_an_archive_shows_where_it_lies_and_the_bytes_at_each_hit(doors: Doors, world: World) -> None:
    inner = b"\0" * 32 + MARKER + HOSTILE
    case = world.customer().submit(world.fields(world.product()), [("outer.zip", BytesIO(zipped(inner=inner)))])["id"]
    world.until(case, "queued")
    analyst = doors.enter("analyst")
    page = analyst.get(f"/cases/{case}")
    assert "inner in outer.zip" in page.text
    link = next(each["href"] for each in page.tags("a") if each["href"].endswith("/files/1"))
    page = analyst.get(link)
    assert "Marker $a 0x20" in page.text
    lines = [line for line in page.raw_text.splitlines() if line.startswith("00000020")]
    cells = " ".join(f"{each:02x}" for each in inner[0x20:0x30])
    assert [" ".join(line.split()) for line in lines] == [f"00000020 {cells} {inner[0x20:0x30].decode()}"]
    assert page.tags("mark"), "the byte at which the hit begins is marked"
    assert "\0" not in page.html
    assert [each["src"].partition("/")[0] for each in page.tags("script")] == [""], "bytes are text"
    assert analyst.get(f"/cases/{case}/files/2").status == 404


def test_a_file_that_is_full_of_hits_is_shown_in_small_part(doors: Doors, world: World) -> None:
    texts = {"Marker": MARKER.decode(), **{f"Other_{number}": f"Another text {number}" for number in range(8)}}
    product = world.product({name: rule(name, text) for name, text in texts.items()})
    content = b"".join(text.encode() + b"\x07" * 300 for text in texts.values())
    case = world.queued(world.customer(), product, content=content)["id"]
    page = doors.enter("auditor").get(f"/cases/{case}/files/0")
    shown = [line for line in page.raw_text.splitlines() if line[:8].isalnum() and line[8:10] == "  "]
    assert 0 < len(shown) <= 6 * 256 // 16
    assert "3 more places are not shown" in page.text


@contextmanager
def silent_store(service: Service) -> Iterator[None]:
    """While the block runs, the store takes requests and answers none."""
    started = psutil.Process(service.pid("seaweed"))
    weed = next(each for each in [started, *started.children(recursive=True)] if each.name() == "weed")
    weed.suspend()
    try:
        yield
    finally:
        weed.resume()


def test_pages_that_wait_for_the_store_hold_no_transaction(doors: Doors, world: World, service: Service) -> None:
    case = world.determined(world.analyst, world.customer(), world.product())
    change = drafted(world.analyst, case)["id"]
    paths = (f"/cases/{case['id']}/files/0", f"/changes/{change}", f"/cases/{case['id']}/change?kind=rule_modify")
    analysts = [doors.enter("analyst") for _ in paths]
    with ThreadPoolExecutor() as pool, silent_store(service):
        waiting = [pool.submit(analyst.get, path) for analyst, path in zip(analysts, paths, strict=True)]
        time.sleep(2)  # longer than any page takes: those that are not there yet wait for the store
        assert not any(each.done() for each in waiting)
        wait_for(lambda: open_transactions(service), lambda count: count == 0)
    assert [each.result().status for each in waiting] == [200, 200, 200]
