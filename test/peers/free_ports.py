"""Ports on loopback for the servers of tests. `free_ports.py N` prints N of them.

They are below those that the system gives to connections: one of these could take a port between its choice and its use.
"""

import random
import socket
import sys


def free_ports(count):
    held = []
    while len(held) < count:
        each = socket.socket()
        try:
            each.bind(("127.0.0.1", random.randrange(10_000, 32_000)))
        except OSError:
            each.close()
            continue
        held.append(each)
    ports = [each.getsockname()[1] for each in held]
    for each in held:
        each.close()
    return ports


if __name__ == "__main__":
    print(*free_ports(int(sys.argv[1])))
