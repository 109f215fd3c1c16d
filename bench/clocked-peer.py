#!/usr/bin/env python3
"""One end of bench/lossy.ts on the kernel's sockets.

sink PORT SECONDS                   reads one stream for that long from its first byte, prints what came as JSON, resets
source HOST PORT CONGESTION         writes until it is reset
"""
import json
import socket
import struct
import sys
import time


def sink(port, seconds):
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("0.0.0.0", port))
    listener.listen()
    print("READY", file=sys.stderr, flush=True)
    connection, _ = listener.accept()
    buffer = bytearray(1 << 20)
    octets = connection.recv_into(buffer)
    start = time.monotonic()
    connection.settimeout(seconds)
    while time.monotonic() - start < seconds:
        octets += connection.recv_into(buffer)
    elapsed = time.monotonic() - start
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()
    print(json.dumps({"bytes": octets, "seconds": elapsed}))


def source(host, port, congestion):
    connection = socket.socket()
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, congestion.encode())
    connection.connect((host, port))
    chunk = bytes(1 << 18)
    try:
        while True:
            connection.sendall(chunk)
    except (ConnectionResetError, BrokenPipeError):
        pass


if __name__ == "__main__":
    role, *rest = sys.argv[1:]
    if role == "sink":
        sink(int(rest[0]), float(rest[1]))
    else:
        source(rest[0], int(rest[1]), rest[2])
