"""Twenty submissions at once on a contract with six premium incidents: `python -m bench.premium`.

Exactly six must be premium, and fourteen standard and told so in the answer; none may be refused.
"""

import argparse
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Barrier
from typing import Any

from sigreq.embedded.keys import first_keys
from sigreq.embedded.service import Service
from sigreq_client import ApiError, Client
from tests.world import World

AT_ONCE = 20
INCIDENTS = 6  # what MSA Start has


@dataclass(frozen=True)
class Figures:
    """What came of one race. `told` are the standard ones whose answer says why they are standard."""

    premium: int
    standard: int
    told: int
    refused: int
    reserved: int
    left: int

    @property
    def are_good(self) -> bool:
        """Not one too many, not one too few."""
        others = AT_ONCE - INCIDENTS
        return self == Figures(INCIDENTS, others, others, refused=0, reserved=INCIDENTS, left=0)


def race(world: World, product: str) -> Figures:
    """Submit from so many connections in the same moment, for one new customer."""
    organisation = world.organisation("msa_start")
    customers = [world.person("customer", organisation) for _ in range(AT_ONCE)]
    start = Barrier(AT_ONCE)

    def submit(customer: Client) -> dict[str, Any] | None:
        start.wait()
        try:
            return world.submit(customer, product)
        except ApiError:
            return None

    with ThreadPoolExecutor(AT_ONCE) as pool:
        answers = list(pool.map(submit, customers))
    return _figures([each for each in answers if each is not None], customers[0])


def _figures(accepted: list[dict[str, Any]], customer: Client) -> Figures:
    premium = [each for each in accepted if each["is_premium"] and each["track"] == "expedited"]
    standard = [each for each in accepted if not each["is_premium"] and each["track"] == "standard"]
    told = [each for each in standard if any("No premium incident is left" in notice for notice in each["notices"])]
    found = customer.account()["contract"]["premium_incidents"]
    refused = AT_ONCE - len(accepted)
    return Figures(len(premium), len(standard), len(told), refused, found["reserved"], found["left"])


def main() -> None:
    """Print the figures of each race; exit code 1 when one is not as it must be."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--races", type=int, default=50)
    races = parser.parse_args().races
    found = []
    with TemporaryDirectory(prefix="sigreq-premium-") as folder, Service(Path(folder) / "data") as service:
        keys = first_keys(service.env["SIGREQ_DATABASE__URL"], service.data / "keys")
        with World(service.url, keys) as world:
            product = world.product()
            for number in range(1, races + 1):
                found.append(race(world, product))
                print(f"{number:3}  " + "  ".join(f"{name} {figure}" for name, figure in asdict(found[-1]).items()))
    good = sum(each.are_good for each in found)
    print(f"{good} of {races} races gave exactly {INCIDENTS} premium and {AT_ONCE - INCIDENTS} standard submissions.")
    sys.exit(good != races)


if __name__ == "__main__":
    main()
