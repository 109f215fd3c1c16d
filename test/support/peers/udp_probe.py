#!/usr/bin/env python3
"""Measures a path with numbered datagrams of the kernel's sockets.

sink PORT                         counts until nothing came for a second after the first; prints one line of JSON
echo PORT                         sends each datagram back
flood HOST PORT COUNT BYTES RATE  sends COUNT datagrams of BYTES payload at RATE a second (0 = as fast as possible)
flood-gso HOST PORT BURSTS SEGMENTS BYTES
                                  sends BURSTS times SEGMENTS datagrams of BYTES each, as one super-segment (UDP_SEGMENT)
ping HOST PORT COUNT              one at a time; prints the round trips as JSON
"""
import json
import socket
import sys
import time


def bound(port):
    sock = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    sock.setsockopt(socket.SOL_SOCKET, 33, 64 << 20)  # SO_RCVBUFFORCE
    sock.bind(("::", port))
    print("ready", file=sys.stderr, flush=True)
    return sock


def sink(port):
    sock = bound(port)
    sock.settimeout(30)
    received = octets = late = 0
    first = last = highest = -1
    while True:
        try:
            data = sock.recv(65536)
        except socket.timeout:
            break
        now = time.monotonic()
        if received == 0:
            first = now
            sock.settimeout(1)
        last = now
        number = int.from_bytes(data[:4], "big")
        late += number < highest
        highest = max(highest, number)
        received += 1
        octets += len(data)
    print(json.dumps({"received": received, "bytes": octets, "late": late, "seconds": last - first}))


def echo(port):
    sock = bound(port)
    while True:
        data, peer = sock.recvfrom(65536)
        sock.sendto(data, peer)


def flood(host, port, count, size, rate):
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.connect((host, port))
    padding = bytes(size - 4)
    start = time.monotonic()
    for number in range(count):
        if rate and number % 50 == 0:
            time.sleep(max(0, start + number / rate - time.monotonic()))
        sock.send(number.to_bytes(4, "big") + padding)


def flood_gso(host, port, bursts, segments, size):
    sock = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM)
    sock.setsockopt(socket.IPPROTO_UDP, 103, size)  # UDP_SEGMENT
    sock.connect((host, port))
    padding = bytes(size - 4)
    for burst in range(bursts):
        numbers = range(burst * segments, (burst + 1) * segments)
        sock.send(b"".join(number.to_bytes(4, "big") + padding for number in numbers))
        time.sleep(0.002)


def ping(host, port, count):
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.connect((host, port))
    sock.settimeout(2)
    times = []
    for number in range(count):
        start = time.monotonic()
        sock.send(number.to_bytes(4, "big"))
        sock.recv(100)
        times.append((time.monotonic() - start) * 1000)
        time.sleep(0.005)
    times.sort()
    print(json.dumps({"minMs": times[0], "medianMs": times[len(times) // 2], "maxMs": times[-1]}))


if __name__ == "__main__":
    command, *arguments = sys.argv[1:]
    parsed = [int(a) if a.isdigit() else a for a in arguments]
    {"sink": sink, "echo": echo, "flood": flood, "flood-gso": flood_gso, "ping": ping}[command](*parsed)
