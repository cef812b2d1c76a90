"""The story that the demo plays, checked step by step on its own service."""

from pathlib import Path

from sigreq.embedded.forking import ForkServer
from sigreq.embedded.keys import first_keys
from sigreq.embedded.postbox import Postbox
from sigreq.embedded.service import Service
from sigreq.embedded.stage import Stage
from sigreq.embedded.story import play

SAMPLES = Path(__file__).parents[2] / "samples"


def test_the_story_holds_from_the_first_report_to_the_last_webhook(tmp_path: Path, fork_server: ForkServer) -> None:
    env = {"SIGREQ_WEBHOOKS__ALLOW_PRIVATE_ADDRESSES": "true"}
    with (
        Postbox() as postbox,
        Service(tmp_path / "data", env={**env, **postbox.env}, fork_server=fork_server) as service,
    ):
        keys = first_keys(service.env["SIGREQ_DATABASE__URL"], service.data / "keys")
        said: list[str] = []
        play(Stage(service.url, keys, SAMPLES, service.data, say=said.append), postbox)
    assert any("is fixed in 20261122.2" in line for line in said)
