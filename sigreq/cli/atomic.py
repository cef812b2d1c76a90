"""Files that are replaced at once, so that a crash leaves the old one or the new one."""

import os
from pathlib import Path
from tempfile import NamedTemporaryFile


def replace_file(path: Path, content: bytes, *, mode: int = 0o600) -> None:
    """Have this content, and no other, stand under the path; it is on the disk before it does. Raises OSError."""
    with NamedTemporaryFile("wb", dir=path.parent, prefix=f"{path.name}.", delete=False) as file:
        file.write(content)
        file.flush()
        os.fchmod(file.fileno(), mode)
        os.fsync(file.fileno())
    Path(file.name).replace(path)


def write_for_all(path: Path, content: bytes) -> None:
    """The same for a file that everybody may read. A link or a device is no file to be replaced: it is written to.

    Raises OSError.
    """
    if path.is_symlink() or (path.exists() and not path.is_file()):
        path.write_bytes(content)
        return
    replace_file(path, content, mode=0o644)
