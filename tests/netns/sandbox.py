#!/usr/bin/env python3
"""Runs a program as sandboxes do that know less of netlink than the kernel.

    sandbox.py events|all PROGRAM [WORD...]

`events`: it may ask, but is told of no changes (as in gVisor); `all`: no netlink at all.
"""

import ctypes
import errno
import os
import platform
import struct
import sys

AF_NETLINK, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP = 16, 270, 1
PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 38, 22, 2
# The parts of a seccomp filter: a classic BPF program over struct seccomp_data.
LOAD, JUMP_IF_EQUAL, RETURN = 0x20, 0x15, 0x06
ALLOW, FAIL = 0x7FFF0000, 0x00050000 | errno.EPERM
CALLS = {"x86_64": {"socket": 41, "setsockopt": 54}, "aarch64": {"socket": 198, "setsockopt": 208}}


def argument(number):
    return 16 + 8 * number  # where struct seccomp_data has it, its lower half


def refuse(call, arguments):
    """Fails a system call whose arguments are these."""
    conditions = [(0, CALLS[platform.machine()][call])]
    conditions += [(argument(number), value) for number, value in arguments.items()]
    steps = []
    for position, (offset, value) in enumerate(conditions):
        to_the_end = 2 * (len(conditions) - position) - 1
        steps += [(LOAD, 0, 0, offset), (JUMP_IF_EQUAL, 0, to_the_end, value)]
    steps += [(RETURN, 0, 0, FAIL), (RETURN, 0, 0, ALLOW)]
    return b"".join(struct.pack("HBBI", *step) for step in steps)


class Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("steps", ctypes.c_void_p)]


def enter(steps):
    kept = ctypes.create_string_buffer(steps)
    program = Program(len(steps) // 8, ctypes.cast(kept, ctypes.c_void_p))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) or libc.prctl(
            PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.byref(program)):
        sys.exit(f"sandbox: {os.strerror(ctypes.get_errno())}")


if __name__ == "__main__":
    enter(refuse("socket", {0: AF_NETLINK}) if sys.argv[1] == "all"
          else refuse("setsockopt", {1: SOL_NETLINK, 2: NETLINK_ADD_MEMBERSHIP}))
    os.execv(sys.argv[2], sys.argv[2:])
