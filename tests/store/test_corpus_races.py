"""A source of the clean corpus that somebody adds to while another completes or removes it."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from hashlib import sha256
from io import BytesIO

import pytest

from sigreq.blobs import Blobs, corpus_key
from sigreq.corpus import keeping
from sigreq.corpus.keeping import Clean
from sigreq.corpus.reading import CorpusReader
from sigreq.domain.corpus import SourceKind
from sigreq.domain.corpus_errors import CorpusMalware, CorpusSourceClosed
from sigreq.domain.errors import NotFound, ServiceUnavailable
from sigreq.domain.people import Actor, Role
from sigreq.domain.ruleset import Ruleset
from sigreq.embedded.stack import Addresses
from sigreq.scanning.published import Rulesets
from sigreq.store import corpus, jobs, people
from sigreq.transaction import Transaction
from tests.store.support import Bench, at, before
from tests.trust.support import stores

MALWARE = "d" * 64


async def _keeper(bench: Bench, source: str) -> Actor:
    """Somebody who has begun a source of this name."""
    async with bench.database.transaction() as tx:
        person = await people.add_person(tx, "Keeper", Role.ADMINISTRATOR, None)
        keeper = Actor(person.id, person.name, person.role)
        await keeping.add(tx, keeper, source, SourceKind.HASHES, "a list")
    return keeper


def test_what_is_added_while_a_source_is_completed_is_looked_at_with_the_rest(addresses: Addresses) -> None:
    async def work(bench: Bench) -> None:
        keeper = await _keeper(bench, "added-meanwhile")

        async def complete() -> None:
            with pytest.raises(CorpusMalware):
                async with bench.database.transaction() as tx:
                    await keeping.complete(tx, keeper, "added-meanwhile", [Ruleset({}, hashes={MALWARE: "Bad"})])

        async with before(bench, complete()) as tx:
            await keeping.add_hashes(tx, "added-meanwhile", [MALWARE])

    at(addresses.database_url, work)


async def _complete(tx: Transaction, keeper: Actor, source: str) -> object:
    return await keeping.complete(tx, keeper, source, [])


Ending = Callable[[Transaction, Actor, str], Awaitable[object]]
ENDINGS: dict[str, tuple[Ending, type[Exception]]] = {
    "completed": (_complete, CorpusSourceClosed),
    "removed": (keeping.remove, NotFound),
}


@pytest.mark.parametrize("name", ENDINGS)
def test_nothing_is_added_to_a_source_that_has_just_ended(addresses: Addresses, name: str) -> None:
    async def work(bench: Bench) -> None:
        end, refusal = ENDINGS[name]
        keeper = await _keeper(bench, f"just-{name}")

        async def add() -> None:
            with pytest.raises(refusal):
                async with bench.database.transaction() as tx:
                    await keeping.add_hashes(tx, f"just-{name}", [MALWARE])

        async with before(bench, add()) as tx:
            await end(tx, keeper, f"just-{name}")

    at(addresses.database_url, work)


def test_a_prefix_whose_source_was_removed_meanwhile_is_read_no_further(addresses: Addresses) -> None:
    async def work(bench: Bench) -> None:
        s3 = stores(addresses)
        store = Blobs(s3, s3.bundles)
        for content in (b"one", b"another"):
            await store.put_bytes(f"removed/{content.decode()}", content, sha256(content).hexdigest())
        async with bench.database.transaction() as tx:
            person = await people.add_person(tx, "Keeper", Role.ADMINISTRATOR, None)
            keeper = Actor(person.id, person.name, person.role)
            await keeping.add(tx, keeper, "prefix-removed", SourceKind.PREFIX, "removed/")
        async with bench.database.transaction() as tx:
            lease = await jobs.claim(tx, bench.sent[-1].job_id, timedelta(minutes=1))
        assert lease is not None
        reader = CorpusReader(bench.database, Rulesets(store), store, timedelta(minutes=1))

        async with before(bench, reader.read(lease)) as tx:
            await keeping.remove(tx, keeper, "prefix-removed")
        async with bench.database.transaction() as tx:
            assert await corpus.stored(tx, [sha256(b"one").hexdigest()]) == {}

    at(addresses.database_url, work)


class _Contested(Blobs):
    """A store in which somebody does something whenever it was asked for what it has; not for ever."""

    times = 0

    async def keys(self, prefix: str) -> list[str]:
        """What there is, or was a moment ago."""
        self.times += 1
        assert self.times < 4 * keeping.MOST_TIMES, "it is asked again and again"
        if prefix.startswith("corpus/"):
            await self.remove(prefix)
            return await super().keys(prefix)
        listed = await super().keys(prefix)
        await self.put_bytes(listed[0], b"", sha256(b"").hexdigest())
        return listed


def test_an_object_that_is_emptied_while_its_prefix_is_read_is_left_out(addresses: Addresses) -> None:
    async def work(bench: Bench) -> None:
        s3 = stores(addresses)
        store = _Contested(s3, s3.bundles)
        await store.put_bytes("emptied/one", b"one", sha256(b"one").hexdigest())
        async with bench.database.transaction() as tx:
            person = await people.add_person(tx, "Keeper", Role.ADMINISTRATOR, None)
            keeper = Actor(person.id, person.name, person.role)
            await keeping.add(tx, keeper, "prefix-emptied", SourceKind.PREFIX, "emptied/")
        async with bench.database.transaction() as tx:
            lease = await jobs.claim(tx, bench.sent[-1].job_id, timedelta(minutes=1))
        assert lease is not None
        finish = await CorpusReader(bench.database, Rulesets(store), store, timedelta(minutes=1)).read(lease)
        async with bench.database.transaction() as tx:
            await finish(tx)
            assert await corpus.contents_of(tx, "prefix-emptied") == []

    at(addresses.database_url, work)


def test_what_is_swept_as_often_as_it_is_put_back_is_given_up_for_a_while(addresses: Addresses) -> None:
    async def work(bench: Bench) -> None:
        s3 = stores(addresses)
        store = _Contested(s3, s3.bundles)
        await _keeper(bench, "swept-again")
        with pytest.raises(ServiceUnavailable):
            await keeping.take(bench.database, store, "swept-again", [_clean(b"contested"), _clean(b"")])
        assert store.times == keeping.MOST_TIMES, "nobody asks for what is empty"

    at(addresses.database_url, work)


def _clean(content: bytes) -> Clean:
    return Clean(BytesIO(content), sha256(content).hexdigest(), len(content))


async def _is_whole(bench: Bench, store: Blobs, source: str, clean: Clean) -> bool:
    """Whether the source has the file, and the store its bytes."""
    async with bench.database.transaction() as tx:
        is_its = await corpus.among(tx, source, [clean.sha256]) == {clean.sha256}
    return is_its and await store.keys(corpus_key(clean.sha256)) == [corpus_key(clean.sha256)]


@pytest.mark.parametrize("is_sent", [True, False])
def test_what_another_source_gets_before_it_is_swept_stays(addresses: Addresses, *, is_sent: bool) -> None:
    async def work(bench: Bench) -> None:
        s3 = stores(addresses)
        store = Blobs(s3, s3.bundles)
        clean, new, old = _clean(f"kept {is_sent}".encode()), f"new-{is_sent}", f"old-{is_sent}"
        await _keeper(bench, new)
        keeper = await _keeper(bench, old)
        await keeping.take(bench.database, store, old, [clean])

        async def remove_and_sweep() -> None:
            async with bench.database.transaction() as tx:
                await keeping.remove(tx, keeper, old)
            async with bench.database.transaction() as tx:
                lease = await jobs.claim(tx, bench.sent[-1].job_id, timedelta(minutes=1))
            assert lease is not None
            assert lease.args == {"sha256s": [clean.sha256]}
            await CorpusReader(bench.database, Rulesets(store), store, timedelta(minutes=1)).sweep(lease)

        async with before(bench, remove_and_sweep()) as tx:
            if is_sent:
                assert await keeping.add_stored(tx, store, new, {clean.sha256: clean.size}) == set()
            else:
                assert await keeping.missing(tx, new, [clean.sha256]) == []
        assert await _is_whole(bench, store, new, clean)

    at(addresses.database_url, work)


def test_what_is_swept_after_it_was_sent_again_is_put_back(addresses: Addresses) -> None:
    async def work(bench: Bench) -> None:
        s3 = stores(addresses)
        store = Blobs(s3, s3.bundles)
        clean = _clean(b"sent while it is swept")
        await _keeper(bench, "sent-again")

        async def sweep(tx: Transaction) -> None:
            await keeping.sweep(tx, store, [clean.sha256])
            assert await store.keys(corpus_key(clean.sha256)) == []

        async with before(bench, keeping.take(bench.database, store, "sent-again", [clean]), sweep) as tx:
            await keeping.sweep(tx, store, [])
        assert await _is_whole(bench, store, "sent-again", clean)

    at(addresses.database_url, work)


def test_what_two_sources_have_that_are_removed_at_once_is_swept(addresses: Addresses) -> None:
    async def work(bench: Bench) -> None:
        s3 = stores(addresses)
        store = Blobs(s3, s3.bundles)
        clean, sources = _clean(b"shared by two"), ("one-of-two", "other-of-two")
        for source in sources:
            keeper = await _keeper(bench, source)
            await keeping.take(bench.database, store, source, [clean])

        async def remove_other() -> None:
            async with bench.database.transaction() as tx:
                await keeping.remove(tx, keeper, sources[1])

        async with before(bench, remove_other()) as tx:
            await keeping.remove(tx, keeper, sources[0])
        async with bench.database.transaction() as tx:
            lease = await jobs.claim(tx, bench.sent[-1].job_id, timedelta(minutes=1))
        assert lease is not None
        await CorpusReader(bench.database, Rulesets(store), store, timedelta(minutes=1)).sweep(lease)
        assert await store.keys(corpus_key(clean.sha256)) == []

    at(addresses.database_url, work)
