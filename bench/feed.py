"""Eight who append to the feed at once, and four who follow it, one over a line that breaks: `python -m bench.feed`.

Every reader must get all entries in their order, dropping what comes twice; exit code 1 otherwise. Half-way the API is
killed and started again, and then PostgreSQL.
"""

import argparse
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory

from sigreq.embedded.keys import first_keys
from sigreq.embedded.service import Service
from tests.feed import at_database, new_stream, say, tell_all
from tests.feed_readers import END, Reader, bad_line, told

WRITERS = 8


def main() -> None:
    """Print what each reader got; exit code 1 when one of them missed anything."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=2000)
    asked = parser.parse_args()
    with TemporaryDirectory(prefix="sigreq-feed-") as name, Service(Path(name) / "data") as service:
        sys.exit(not _run(service, Path(name), asked.events))


def _run(service: Service, folder: Path, events: int) -> bool:
    url = service.env["SIGREQ_DATABASE__URL"]
    key = first_keys(url, service.data / "keys")["release"]
    stream = new_stream(url)
    with bad_line(service.url) as line, ThreadPoolExecutor(8) as pool:
        readers = {
            "steady": Reader(service.url, key, stream, folder / "steady"),
            "also steady": Reader(service.url, key, stream, folder / "also"),
            "dies after each 100 events": Reader(service.url, key, stream, folder / "mortal", dies_after=100),
            "over a bad line": Reader(line.url, key, stream, folder / "unlucky"),
        }
        reading = [pool.submit(reader.run) for reader in readers.values()]
        began = time.monotonic()
        writing = pool.submit(at_database, url, lambda at: tell_all(at, stream, WRITERS, events // WRITERS))
        for victim in ("api", "postgres"):
            wanted = events // 3 * (1 if victim == "api" else 2)
            while len(told(service, stream)) < wanted and not writing.done():
                time.sleep(0.05)
            service.kill(victim)
            service.revive()
        writing.result()
        say(url, stream, END)
        for each in reading:
            each.result()
    everything = told(service, stream)
    print(f"{len(everything)} entries by {WRITERS} writers in {time.monotonic() - began:.0f} s, {line.cuts} cut bodies")
    for name, reader in readers.items():
        is_whole = reader.without_repetitions == everything
        print(f"{name}: {'all in order' if is_whole else 'NOT ALL'}, {len(reader.seen) - len(everything)} repeated")
    return all(reader.without_repetitions == everything for reader in readers.values())


if __name__ == "__main__":
    main()
