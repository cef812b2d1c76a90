"""When the versions of a product go out, as data."""

from typing import Annotated, Any

from litestar import delete, get, put
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody
from pydantic import Field

from sigreq.api.schemas import Line, Strict
from sigreq.domain import release_errors
from sigreq.domain.people import Actor, Permission, require
from sigreq.domain.trains import MOST_TIMES, Schedule, ScheduleUnfit
from sigreq.store import releases, trains
from sigreq.transaction import Transaction


class ScheduleIn(Strict):
    """Days `mon` to `sun`, times of day such as 06:00, and the IANA zone whose clocks show them."""

    days: Annotated[list[Line], Field(max_length=7)]
    times: Annotated[list[Line], Field(max_length=MOST_TIMES)]
    time_zone: Line


@get("/v1/products/{product:str}/schedule", summary="When trains depart")
async def read_schedule(
    product: FromPath[str], tx: NamedDependency[Transaction], actor: NamedDependency[Actor]
) -> dict[str, Any]:
    """`schedule` is null where standard changes do not wait for a train."""
    require(actor, Permission.READ_FEED)
    await releases.known_product(tx, product)
    return _shown(tx, await trains.schedule(tx, product))


@put("/v1/admin/products/{product:str}/schedule", status_code=200, summary="Set when trains depart")
async def put_schedule(
    product: FromPath[str],
    data: JSONBody[ScheduleIn],
    tx: NamedDependency[Transaction],
    actor: NamedDependency[Actor],
) -> dict[str, Any]:
    """Counts at once, for what waits already too."""
    require(actor, Permission.ADMINISTER)
    try:
        new = Schedule.read(data.days, data.times, data.time_zone)
    except ScheduleUnfit as unfit:
        raise release_errors.TrainScheduleUnfit(product=product, why=unfit.why) from unfit
    await trains.put_schedule(tx, actor, product, new)
    return _shown(tx, new)


@delete("/v1/admin/products/{product:str}/schedule", status_code=200, summary="Have no trains")
async def remove_schedule(
    product: FromPath[str], tx: NamedDependency[Transaction], actor: NamedDependency[Actor]
) -> dict[str, Any]:
    """Everything goes out as soon as it is approved."""
    require(actor, Permission.ADMINISTER)
    await trains.remove_schedule(tx, product)
    return _shown(tx, None)


def _shown(tx: Transaction, schedule: Schedule | None) -> dict[str, Any]:
    if schedule is None:
        return {"schedule": None, "next_departure": None}
    return {"schedule": schedule.document(), "next_departure": schedule.next_departure(tx.at)}


ROUTES = [read_schedule, put_schedule, remove_schedule]
