# SPDX-License-Identifier: Apache-2.0
"""CPU time of a whole process, its start included."""
import os

ENVIRONMENT = {"LC_ALL": "C", "PATH": "/usr/bin:/bin"}


def cpu_ms(argv, exits=(0,)):
    """User and system time from wait4(2), in milliseconds; what it prints is thrown away."""
    nowhere = [(os.POSIX_SPAWN_OPEN, fd, os.devnull, os.O_RDWR, 0) for fd in (0, 1, 2)]
    pid = os.posix_spawn(argv[0], [str(word) for word in argv], ENVIRONMENT, file_actions=nowhere)
    _, status, used = os.wait4(pid, 0)
    assert os.waitstatus_to_exitcode(status) in exits, argv
    return 1000 * (used.ru_utime + used.ru_stime)


def in_turns(sides, runs, exits=(0,)):
    """{name: argv} as {name: sorted times}: in turns, so that what else the machine does is the same for all."""
    told = {name: [] for name in sides}
    for _ in range(runs):
        for name, argv in sides.items():
            told[name].append(cpu_ms(argv, exits))
    return {name: sorted(times) for name, times in told.items()}


def middle(times):
    return times[len(times) // 2]
