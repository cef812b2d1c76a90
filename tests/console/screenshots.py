"""Every page as a picture, light and dark, wide and narrow: `make screenshots`."""

import sys
import tempfile
from pathlib import Path

from sigreq.embedded.keys import first_keys
from sigreq.embedded.service import Service
from tests.console.chromium import Window, chromium
from tests.console.scenes import Scenes
from tests.world import World

LOOKS = {
    "light-1440": ("light", 1440),
    "dark-1440": ("dark", 1440),
    "light-390": ("light", 390),
    "dark-390": ("dark", 390),
}


def take(folder: Path) -> None:
    """Start a service, have people work in it, and take the pictures."""
    folder.mkdir(parents=True, exist_ok=True)
    env = {"SIGREQ_WEBHOOKS__ALLOW_PRIVATE_ADDRESSES": "true"}
    with tempfile.TemporaryDirectory() as data, Service(Path(data) / "data", env=env) as service:
        keys = first_keys(service.env["SIGREQ_DATABASE__URL"], service.data / "keys")
        with World(service.url, keys) as world, chromium() as browser:
            scenes = Scenes.made(world)
            for look, (scheme, width) in LOOKS.items():
                size = {"width": width, "height": 900}
                for who, pages in scenes.pages.items():
                    window = Window(browser, service.url, color_scheme=scheme, viewport=size)
                    if who:
                        window.set_password(scenes.link(who), "a password for pictures")
                    for name, path in pages.items():
                        window.go(path).screenshot(path=folder / f"{name}-{look}.png", full_page=True)
                    window.close()


if __name__ == "__main__":
    take(Path(sys.argv[1]))
