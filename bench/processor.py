"""Processor time by process: what a machine that others use tells truer than a clock on the wall."""

from collections.abc import Mapping
from dataclasses import dataclass

import psutil

from sigreq.embedded.service import PartName, Service
from sigreq.embedded.stack import ServerName

Seconds = Mapping[str, float]
_SERVERS: tuple[ServerName, ...] = ("postgres", "redis", "seaweed")
_OURS: tuple[PartName, ...] = ("worker-standard", "worker-expedited", "api")


@dataclass(frozen=True)
class Processor:
    """The processes of a running service: the servers, our own, and the children that examine."""

    service: Service

    def used(self) -> Seconds:
        """Seconds of processor time since each was started, of children that are gone too."""
        told: dict[str, float] = {}
        for server in _SERVERS:
            told[server] = sum(_used(self.service.pid(server)))
        for part in _OURS:
            told[part], children = _used(self.service.pid(part))
            told["children"] = told.get("children", 0.0) + children
        return told


def _used(pid: int) -> tuple[float, float]:
    """Of a process itself, and of all below it."""
    process = psutil.Process(pid)
    times = process.cpu_times()
    below = times.children_user + times.children_system
    for each in process.children(recursive=True):
        try:
            below += sum(each.cpu_times()[:4])
        except psutil.NoSuchProcess:  # its time is its parent's by the next look
            continue
    return times.user + times.system, below


def since(before: Seconds, after: Seconds) -> Seconds:
    """What was used between two looks."""
    return {name: after[name] - before[name] for name in after}


def shared_out(used: Seconds, among: float) -> str:
    """Milliseconds for each of so many samples or MiB, all together and by process."""
    each = {name: 1e3 * seconds / among for name, seconds in used.items()}
    told = ", ".join(f"{name} {value:.2f}" for name, value in sorted(each.items(), key=lambda item: -item[1]))
    return f"{sum(each.values()):.2f} ms ({told})"
