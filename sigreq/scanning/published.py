"""Rules as they lie in the store."""

from collections import OrderedDict

from sigreq.blobs import BlobMissing, Blobs, ruleset_key
from sigreq.domain.ruleset import Ruleset

KEPT_RULESETS = 8


class RulesetCorrupt(Exception):
    """The stored rules are not what their digest says; nothing may be concluded with them."""


class Rulesets:
    """Published rules by digest, verified, the last few kept in memory."""

    def __init__(self, bundles: Blobs) -> None:
        self._bundles = bundles
        self._kept: OrderedDict[str, Ruleset] = OrderedDict()

    async def load(self, digest: str) -> Ruleset:
        """The rules with this digest. Raises BlobMissing, RulesetCorrupt, ServiceUnavailable."""
        if digest not in self._kept:
            ruleset = Ruleset.from_document(await self._bundles.get_bytes(ruleset_key(digest)))
            if ruleset.digest != digest:
                raise RulesetCorrupt(digest)
            self._kept[digest] = ruleset
            if len(self._kept) > KEPT_RULESETS:
                self._kept.popitem(last=False)
        self._kept.move_to_end(digest)
        return self._kept[digest]

    async def find(self, digest: str) -> Ruleset | None:
        """The same, or None when they are not kept any more."""
        try:
            return await self.load(digest)
        except BlobMissing:
            return None
