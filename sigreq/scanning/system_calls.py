"""The system calls that an examining child has left."""

import errno
import fcntl
import os
import socket
import termios
from typing import Any

try:
    import pyseccomp  # type: ignore[import-untyped]
except (ImportError, RuntimeError):  # the system has no libseccomp
    pyseccomp = None

# Whatever is not named is refused with EPERM: sockets, processes, threads, programs, modes, owners, links, folders,
# tracing, mounts, keys, and all that a later kernel may bring.
_ALLOWED = """
    read readv pread64 preadv write writev pwrite64 pwritev lseek _llseek close close_range dup dup2 dup3
    open openat readlink readlinkat access faccessat faccessat2 getdents getdents64 getcwd
    stat stat64 lstat lstat64 fstat fstat64 newfstatat fstatat64 statx statfs statfs64 fstatfs fstatfs64
    unlink unlinkat ftruncate ftruncate64 fsync fdatasync fadvise64
    mmap mmap2 munmap mprotect mremap madvise msync brk membarrier
    futex futex_time64 set_robust_list rseq sched_yield sched_getaffinity arch_prctl
    rt_sigaction rt_sigprocmask rt_sigreturn sigreturn sigaltstack restart_syscall
    poll ppoll select pselect6 _newselect
    clock_gettime clock_gettime64 clock_getres clock_nanosleep clock_nanosleep_time64 nanosleep gettimeofday time times
    getpid gettid getppid getuid geteuid getgid getegid getpgrp uname sysinfo getrandom
    getrusage getrlimit ugetrlimit exit exit_group
""".split()  # noqa: SIM905 - one to a line they fill two pages
# What a process needs besides that forks such children: what they give up, they give up after that.
_ALLOWED_SERVER = """
    clone fork wait4 waitid setsid chdir recvmsg sendto sendmsg umask prctl capset capget seccomp setrlimit tgkill
""".split()  # noqa: SIM905 - as above
# By their numbers, which are the same everywhere and which an older libseccomp cannot name.
_LANDLOCK = (444, 445, 446)
# What a program that is none of ours is refused, whatever else it calls: we cannot know all that it needs.
_REFUSED = """
    fork vfork execveat ptrace process_vm_readv process_vm_writev process_madvise pidfd_getfd pidfd_send_signal kcmp
    bpf perf_event_open userfaultfd io_uring_setup io_uring_enter io_uring_register keyctl add_key request_key
    mount umount2 move_mount fsopen fsmount open_tree pivot_root chroot unshare setns memfd_create memfd_secret
    link linkat symlink symlinkat mknod mknodat setxattr lsetxattr fsetxattr
    setpriority ioprio_set sched_setscheduler sched_setattr swapon swapoff reboot syslog
    init_module finit_module delete_module kexec_load kexec_file_load clock_settime settimeofday sethostname
""".split()  # noqa: SIM905 - as above
_CLONE_THREAD = 0x10000

# Of ioctl only what asks whether a file is a terminal, and what is kept over an exec that never comes.
_IOCTL_REQUESTS = (termios.TCGETS, termios.FIONREAD, termios.FIOCLEX, termios.FIONCLEX)

# Of fcntl nothing that has signals sent: `F_SETOWN` could name another process.
_FCNTL_COMMANDS = (fcntl.F_DUPFD, fcntl.F_DUPFD_CLOEXEC, fcntl.F_GETFD, fcntl.F_SETFD, fcntl.F_GETFL)


def restrict() -> bool:
    """Refuse all other system calls from now on, until the process ends; False where libseccomp or the kernel cannot.

    Raises OSError when memory or a number of open files is lacking for it.
    """
    if pyseccomp is None:
        return False
    rules = _examining()
    # Its own limits and its own end; a number of another process would be another matter.
    _add(rules, pyseccomp.ALLOW, "setrlimit")
    _add(rules, pyseccomp.ALLOW, "tgkill", pyseccomp.Arg(0, pyseccomp.EQ, os.getpid()))
    return _is_in_force(rules)


def restrict_server() -> bool:
    """The same for a process that forks children, which call `restrict`: its own and its children's first calls."""
    if pyseccomp is None:
        return False
    rules = _examining()
    for name in _ALLOWED_SERVER:
        _add(rules, pyseccomp.ALLOW, name)
    for number in _LANDLOCK:
        rules.add_rule(pyseccomp.ALLOW, number)
    return _is_in_force(rules)


def _examining() -> Any:
    rules = pyseccomp.SyscallFilter(pyseccomp.ERRNO(errno.EPERM))
    for name in _ALLOWED:
        _add(rules, pyseccomp.ALLOW, name)
    for request in _IOCTL_REQUESTS:
        _add(rules, pyseccomp.ALLOW, "ioctl", pyseccomp.Arg(1, pyseccomp.EQ, request))
    for command in _FCNTL_COMMANDS:
        for name in ("fcntl", "fcntl64"):
            _add(rules, pyseccomp.ALLOW, name, pyseccomp.Arg(1, pyseccomp.EQ, command))
    _add(rules, pyseccomp.ALLOW, "prlimit64", pyseccomp.Arg(0, pyseccomp.EQ, 0))
    # The C library then falls back to clone.
    _add(rules, pyseccomp.ERRNO(errno.ENOSYS), "clone3")
    return rules


def _is_in_force(rules: Any) -> bool:
    try:
        rules.load()
    except OSError:
        return False
    return True


def restrict_program(*, sockets: bool) -> bool:
    """Refuse a program that comes after this one processes, programs to trace, mounts, keys, and the network.

    `sockets` leaves it those of this machine. False where libseccomp or the kernel cannot. Raises OSError.
    """
    if pyseccomp is None:
        return False
    rules = pyseccomp.SyscallFilter(pyseccomp.ALLOW)
    refused = pyseccomp.ERRNO(errno.EPERM)
    for name in _REFUSED:
        _add(rules, refused, name)
    _add(rules, refused, "clone", pyseccomp.Arg(0, pyseccomp.MASKED_EQ, _CLONE_THREAD, 0))
    _add(rules, pyseccomp.ERRNO(errno.ENOSYS), "clone3")  # as above
    if sockets:
        _add(rules, refused, "socket", pyseccomp.Arg(0, pyseccomp.NE, socket.AF_UNIX))
    else:
        _add(rules, refused, "socket")
        _add(rules, refused, "socketpair")
    return _is_in_force(rules)


def _add(rules: Any, action: int, name: str, *arguments: Any) -> None:
    """Add a rule for a system call, if this architecture and this libseccomp have it."""
    number = pyseccomp.resolve_syscall(pyseccomp.Arch.NATIVE, name)
    if number >= 0:
        rules.add_rule(action, number, *arguments)
