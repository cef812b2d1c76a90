"""Files that are replaced at once, so that a crash leaves the old one or the new one."""

import os
from pathlib import Path
from tempfile import NamedTemporaryFile


def replace_file(path: Path, content: bytes) -> None:
    """Have this content, and no other, stand under the path; it is on the disk before it does. Raises OSError."""
    with NamedTemporaryFile("wb", dir=path.parent, prefix=f"{path.name}.", delete=False) as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    Path(file.name).replace(path)
