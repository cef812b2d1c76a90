"""`sigreq worker`: the background work of one track."""

import click


@click.command()
@click.argument("track", type=click.Choice(["expedited", "standard"]))
def worker(track: str) -> None:
    """Do the background work of TRACK. Settings come from the environment (SIGREQ_...); run several if you like."""
    import asyncio
    import gc
    import signal

    from sigreq.cli.environment import kept, settings

    with kept():
        from sigreq import logs
        from sigreq.domain.submission import Track
        from sigreq.worker import TrackWorker

    async def main() -> None:
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        with kept():  # the mappings too
            work = TrackWorker(settings(), Track(track))
        gc.set_threshold(10_000)  # what a hundred statements leave is nearly all gone by itself
        await work.run(stop)

    logs.set_up()
    asyncio.run(main())
