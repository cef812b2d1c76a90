"""What an examining child gives up before it touches anything hostile."""

import ctypes
import math
import os
import resource
import signal
import site
import struct
import sys
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from sigreq.scanning import system_calls

# A mapped sample may be 2 GiB; another GiB is for the rules, the matches and what libraries unpack.
ADDRESS_SPACE = 3 << 30
OPEN_FILES = 64

# Nothing that a child makes can be executed, or read by others.
_UMASK = 0o177
# Programs that make folders of their own have to be able to enter them.
_PROGRAM_UMASK = 0o077
# Processor time beyond the wall-clock time of an ask: whoever watches the clock should come first.
_PROCESSOR_GRACE_SECONDS = 1

# From linux/prctl.h and linux/capability.h.
_PR_SET_PDEATHSIG = 1
_PR_SET_SECUREBITS = 28
_PR_SET_NO_NEW_PRIVS = 38
# From linux/securebits.h: a program that root starts gets no capabilities for that, and cannot change it.
_NOROOT_LOCKED = 0b11
_CAPABILITY_VERSION = 0x20080522

# From linux/landlock.h; these system calls have one number on every architecture Python runs on.
_SYS_CREATE_RULESET = 444
_SYS_ADD_RULE = 445
_SYS_RESTRICT_SELF = 446
_VERSION_FLAG = 1
_PATH_BENEATH = 1
# How many file-access rights each version of Landlock knows; later versions know as many as the last.
_FILE_RIGHTS = {1: 13, 2: 14, 3: 15, 4: 15, 5: 16}
_WRITE_FILE, _READ_FILE, _READ_DIR, _REMOVE_FILE, _MAKE_REG, _TRUNCATE = (1 << bit for bit in (1, 2, 3, 5, 8, 14))
_EXECUTE, _REMOVE_DIR, _MAKE_DIR, _MAKE_SOCK = (1 << bit for bit in (0, 4, 7, 9))
_OF_FILES = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE
_TCP_SINCE, _TCP_BIND_AND_CONNECT = 4, 0b11
_SCOPES_SINCE, _SCOPE_SOCKETS_AND_SIGNALS = 6, 0b11

# Code and data that libraries load when they are first used.
_SYSTEM = ("/usr", "/lib", "/lib32", "/lib64", "/etc/ld.so.cache", "/etc/localtime", "/etc/magic", "/proc/meminfo")
_DEVICES = ("/dev/null", "/dev/zero", "/dev/urandom")
# What starts a program that has libraries, by its name in the program itself.
_LOADERS = ("/lib64/ld-linux-x86-64.so.2", "/lib/ld-linux-aarch64.so.1")

_libc = ctypes.CDLL(None, use_errno=True)


def lock_down(folder: Path, readable: Iterable[str], file_bytes: int) -> dict[str, int | bool]:
    """Leave this process able to work in `folder`, to read code and what is `readable`, and little else, until it ends.

    It can make plain files of at most `file_bytes` there, and start nothing. It dies with its parent. Returns what is
    in force: the version of Landlock (0: none) and whether system calls are filtered. Where the system lacks one of
    these the other layers still hold. Raises OSError when a layer that every kernel has is refused.
    """
    landlock = _lock_files(folder, readable, file_bytes)
    resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))
    return {"landlock": landlock, "seccomp": system_calls.restrict()}


def lock_down_server(folder: Path, readable: Iterable[str], file_bytes: int) -> None:
    """The same for a process that forks children, each of which locks itself down in a folder below this one.

    It can make no other processes but such. Raises OSError.
    """
    _lock_files(folder, readable, file_bytes)
    system_calls.restrict_server()


def _lock_files(folder: Path, readable: Iterable[str], file_bytes: int) -> int:
    os.umask(_UMASK)
    _checked(_libc.prctl(_PR_SET_PDEATHSIG, ctypes.c_ulong(signal.SIGKILL)))
    _checked(_libc.prctl(_PR_SET_NO_NEW_PRIVS, *map(ctypes.c_ulong, (1, 0, 0, 0))))
    landlock = _confine(
        {str(folder): _WRITE_FILE | _READ_FILE | _READ_DIR | _REMOVE_FILE | _MAKE_REG | _TRUNCATE}
        | dict.fromkeys(readable, _READ_FILE)
        | dict.fromkeys((*_code(), *_SYSTEM), _READ_FILE | _READ_DIR)
        | dict.fromkeys(_DEVICES, _READ_FILE | _WRITE_FILE)
    )
    _drop_capabilities()
    for limit, value in {
        resource.RLIMIT_AS: ADDRESS_SPACE,
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_FSIZE: file_bytes,
        resource.RLIMIT_NOFILE: OPEN_FILES,
    }.items():
        resource.setrlimit(limit, (value, value))
    return landlock


def confine_program(program: str, readable: Iterable[str], folder: str) -> int:
    """Leave the program that this process becomes able to read libraries and what is `readable`, and to write `folder`.

    There it can make plain files, folders and sockets, and execute none of them: of all programs it can start only
    itself. It dies with its parent. Returns the version of Landlock, as `lock_down`. Raises OSError.
    """
    os.umask(_PROGRAM_UMASK)
    _checked(_libc.prctl(_PR_SET_PDEATHSIG, ctypes.c_ulong(signal.SIGKILL)))
    with suppress(PermissionError):  # who is not root has no such capabilities to lose
        _checked(_libc.prctl(_PR_SET_SECUREBITS, ctypes.c_ulong(_NOROOT_LOCKED)))
    _checked(_libc.prctl(_PR_SET_NO_NEW_PRIVS, *map(ctypes.c_ulong, (1, 0, 0, 0))))
    files = _WRITE_FILE | _READ_FILE | _REMOVE_FILE | _MAKE_REG | _TRUNCATE | _MAKE_SOCK
    landlock = _confine(
        dict.fromkeys((*_SYSTEM, *readable), _READ_FILE | _READ_DIR)
        | {folder: files | _READ_DIR | _REMOVE_DIR | _MAKE_DIR}
        | dict.fromkeys(_DEVICES, _READ_FILE | _WRITE_FILE)
        | dict.fromkeys((os.path.realpath(each) for each in (program, *_LOADERS)), _EXECUTE | _READ_FILE)
    )
    _drop_capabilities()
    return landlock


def allow_processor(seconds: float) -> None:
    """From now on this process may compute for so long, and then ends by SIGXCPU, whoever else is asleep."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    allowed = math.ceil(used.ru_utime + used.ru_stime + seconds) + _PROCESSOR_GRACE_SECONDS
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (allowed, hard))


def _code() -> list[str]:
    """Where Python code and its libraries lie; never the folder above a package, which may hold keys and data."""
    package = Path(__file__).parents[1]
    return [sys.prefix, sys.base_prefix, *site.getsitepackages(), str(package)]


def _confine(allowed: dict[str, int]) -> int:
    """Deny all access to files but the allowed, TCP, and signals to others, as far as this kernel's Landlock can.

    Returns its version, 0 when there is none.
    """
    version = _libc.syscall(_SYS_CREATE_RULESET, None, ctypes.c_size_t(0), ctypes.c_uint(_VERSION_FLAG))
    if version < 1:
        return 0
    file_rights = (1 << _FILE_RIGHTS[min(version, max(_FILE_RIGHTS))]) - 1
    denied = struct.pack(
        "QQQ",
        file_rights,
        _TCP_BIND_AND_CONNECT if version >= _TCP_SINCE else 0,
        _SCOPE_SOCKETS_AND_SIGNALS if version >= _SCOPES_SINCE else 0,
    )
    ruleset = _checked(_libc.syscall(_SYS_CREATE_RULESET, denied, ctypes.c_size_t(len(denied)), ctypes.c_uint(0)))
    for path, rights in allowed.items():
        # What this machine does not have needs no access.
        with suppress(FileNotFoundError):
            _allow(ruleset, path, rights & file_rights)
    _checked(_libc.syscall(_SYS_RESTRICT_SELF, ctypes.c_int(ruleset), ctypes.c_uint(0)))
    os.close(ruleset)
    return int(version)


def _allow(ruleset: int, path: str, rights: int) -> None:
    parent = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        if not Path(path).is_dir():
            rights &= _OF_FILES
        rule = struct.pack("=Qi", rights, parent)
        _checked(
            _libc.syscall(_SYS_ADD_RULE, ctypes.c_int(ruleset), ctypes.c_int(_PATH_BENEATH), rule, ctypes.c_uint(0))
        )
    finally:
        os.close(parent)


def _drop_capabilities() -> None:
    """A child of root is still root by name, and must not be above the permissions of files."""
    header = struct.pack("Ii", _CAPABILITY_VERSION, 0)
    _checked(_libc.capset(header, bytes(24)))


def _checked(result: int) -> int:
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return result
