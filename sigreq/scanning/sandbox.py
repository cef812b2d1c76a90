"""What a scanning child gives up before it touches anything hostile."""

import ctypes
import os
import resource
import signal
import struct

# A mapped sample may be 2 GiB; another GiB is for the rules, the matches and unpacked members.
ADDRESS_SPACE = 3 << 30

_LIMITS = {
    resource.RLIMIT_AS: ADDRESS_SPACE,
    resource.RLIMIT_CORE: 0,
    resource.RLIMIT_FSIZE: 0,
    resource.RLIMIT_NOFILE: 32,
    resource.RLIMIT_NPROC: 0,
}

# From linux/prctl.h.
_PR_SET_PDEATHSIG = 1
_PR_SET_NO_NEW_PRIVS = 38

# From linux/landlock.h; these system calls have one number on every architecture Python runs on.
_SYS_CREATE_RULESET = 444
_SYS_RESTRICT_SELF = 446
_VERSION_FLAG = 1
_READ_FILE_AND_DIR = 0b1100
# How many file-access rights each version of Landlock knows; later versions know as many as the last.
_FILE_RIGHTS = {1: 13, 2: 14, 3: 15, 4: 15, 5: 16}
_TCP_SINCE, _TCP_BIND_AND_CONNECT = 4, 0b11
_SCOPES_SINCE, _SCOPE_SOCKETS_AND_SIGNALS = 6, 0b11

_libc = ctypes.CDLL(None, use_errno=True)


def lock_down() -> None:
    """Leave this process able to read files and to use its open pipes, and little else, until it ends.

    It dies with its parent. Where the kernel has no Landlock the resource limits still forbid writing.
    Raises OSError when a layer that every kernel has is refused.
    """
    _checked(_libc.prctl(_PR_SET_PDEATHSIG, ctypes.c_ulong(signal.SIGKILL)))
    _checked(_libc.prctl(_PR_SET_NO_NEW_PRIVS, *map(ctypes.c_ulong, (1, 0, 0, 0))))
    _forbid_by_landlock()
    for limit, value in _LIMITS.items():
        resource.setrlimit(limit, (value, value))


def _forbid_by_landlock() -> None:
    """Deny writing, making, removing and executing files, TCP, and signals to others, as far as the kernel can."""
    version = _libc.syscall(_SYS_CREATE_RULESET, None, ctypes.c_size_t(0), ctypes.c_uint(_VERSION_FLAG))
    if version < 1:
        return
    file_rights = (1 << _FILE_RIGHTS[min(version, max(_FILE_RIGHTS))]) - 1
    denied = struct.pack(
        "QQQ",
        file_rights & ~_READ_FILE_AND_DIR,
        _TCP_BIND_AND_CONNECT if version >= _TCP_SINCE else 0,
        _SCOPE_SOCKETS_AND_SIGNALS if version >= _SCOPES_SINCE else 0,
    )
    # Nothing is allowed back, so whatever the ruleset names is denied everywhere.
    ruleset = _checked(
        _libc.syscall(_SYS_CREATE_RULESET, denied, ctypes.c_size_t(len(denied)), ctypes.c_uint(0)),
    )
    _checked(_libc.syscall(_SYS_RESTRICT_SELF, ctypes.c_int(ruleset), ctypes.c_uint(0)))
    os.close(ruleset)


def _checked(result: int) -> int:
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return result
