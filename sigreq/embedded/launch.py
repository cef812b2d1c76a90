"""Turn this process into a server that does not outlive its parent. Run as a script by `process.command`.

A script of its own, because the calls below may not be made between fork and exec of a program that has threads.
"""

import ctypes
import os
import pwd
import sys

_PR_SET_PDEATHSIG = 1
_PR_SET_KEEPCAPS = 8
_PR_CAP_AMBIENT = 47
_PR_CAP_AMBIENT_RAISE = 2
_CAP_DAC_OVERRIDE = 1
_CAPABILITY_VERSION_3 = 0x20080522

_libc = ctypes.CDLL(None, use_errno=True)


def _prctl(option: int, argument: int, second: int = 0) -> None:
    values = (ctypes.c_ulong(value) for value in (argument, second, 0, 0))
    if _libc.prctl(option, *values):
        raise OSError(ctypes.get_errno(), f"prctl {option}")


def _keep_only_file_access() -> None:
    mask = 1 << _CAP_DAC_OVERRIDE
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
    # Two groups of effective, permitted, inheritable; the second holds capabilities from 32 on.
    data = (ctypes.c_uint32 * 6)(mask, mask, mask, 0, 0, 0)
    if _libc.capset(header, data):
        raise OSError(ctypes.get_errno(), "capset")
    _prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE, _CAP_DAC_OVERRIDE)


def leave_root(account: str) -> None:
    """Become `account`, keeping one power of root: to reach files that only root may.

    Without it the server could not pass the closed data folder, or start from a root user's own environment.
    """
    entry = pwd.getpwnam(account)
    _prctl(_PR_SET_KEEPCAPS, 1)
    os.setgroups([])
    os.setresgid(entry.pw_gid, entry.pw_gid, entry.pw_gid)
    os.setresuid(entry.pw_uid, entry.pw_uid, entry.pw_uid)
    _keep_only_file_access()


def signal_at_parents_death(number: int) -> None:
    """Have this process signalled when the thread that started it is gone."""
    _prctl(_PR_SET_PDEATHSIG, number)


def main() -> None:
    """Arguments: pid of the parent, number of the signal for its death, account or nothing, then the command."""
    parent, death_signal, account, *argv = sys.argv[1:]
    if account:
        leave_root(account)
    # After the change of user, because that clears it.
    signal_at_parents_death(int(death_signal))
    if os.getppid() != int(parent):
        sys.exit("the parent died before its server started")
    os.execv(argv[0], argv)  # noqa: S606


if __name__ == "__main__":
    main()
