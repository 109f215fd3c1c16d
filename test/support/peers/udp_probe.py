#!/usr/bin/env python3
"""Measures a path with numbered datagrams of the kernel's sockets.

sink PORT                         counts until the sender says that it is through; prints one line of JSON
echo PORT                         sends each datagram back
flood HOST PORT COUNT BYTES RATE  sends COUNT datagrams of BYTES payload to a sink, at RATE a second at most (0 = as fast as possible)
flood-gso HOST PORT BURSTS SEGMENTS BYTES
                                  sends BURSTS times SEGMENTS datagrams of BYTES each, as one super-segment (UDP_SEGMENT)
ping HOST PORT COUNT              one at a time; prints the round trips as JSON

The sink tells the sender how far it has come, and the sender stays at most WINDOW datagrams ahead: a flood that nobody holds back is lost in
the queues of a busy machine, whatever the path does. Times are the monotonic clock's, which all processes share.
"""
import json
import socket
import sys
import time

# Less than what any queue on the way holds (netdev_max_backlog: 1000)
WINDOW = 256
# How often the sink tells
ACK_EVERY = 64
# Number of a datagram that is only answered: what is sent while the kernel asks for the MAC address may be lost or come late
HELLO = 0xFFFFFFFE
# Number of a datagram that says that the sender is through. The sink takes several, a tenth of a second apart: some may be lost or overtake others
END = 0xFFFFFFFF
ENDS = 3
# When nothing can be under way any more, seconds
PATIENCE = 10


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
    received = octets = late = ends = 0
    last = 0
    highest = told = -1
    while ends < ENDS:
        try:
            data, peer = sock.recvfrom(65536)
        except socket.timeout:
            break
        number = int.from_bytes(data[:4], "big")
        if number >= HELLO:
            ends += number == END
            sock.sendto(data[:4] + bytes([ends]), peer)
            continue
        last = time.monotonic()
        late += number < highest
        highest = max(highest, number)
        received += 1
        octets += len(data)
        if highest - told >= ACK_EVERY:
            told = highest
            sock.sendto(told.to_bytes(4, "big"), peer)
    print(json.dumps({"received": received, "bytes": octets, "late": late, "last": last}))


def echo(port):
    sock = bound(port)
    while True:
        data, peer = sock.recvfrom(65536)
        sock.sendto(data, peer)


class Sender:
    """Sends numbered datagrams to a sink, no more than WINDOW ahead of it."""

    def __init__(self, host, port):
        self.sock = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.connect((host, port))
        self.ask(HELLO, 0)
        self.sock.settimeout(PATIENCE)
        self.told = -1

    def wait_for_room(self, number):
        """Returns when the sink has come close enough to `number`, or all that was sent must have been lost."""
        while number - self.told > WINDOW:
            try:
                number_told = int.from_bytes(self.sock.recv(100)[:4], "big")
                if number_told < HELLO:
                    self.told = max(self.told, number_told)
            except socket.timeout:
                self.told = number

    def ask(self, question, ends):
        """Sends HELLO or END until the sink has heard so many ENDs, or is gone."""
        self.sock.settimeout(0.1)
        for _ in range(10 * PATIENCE):
            try:
                self.sock.send(question.to_bytes(4, "big"))
                while self.sock.recv(100) != question.to_bytes(4, "big") + bytes([ends]):
                    pass
                return
            except socket.timeout:
                pass
            except ConnectionRefusedError:
                return
        sys.exit("the sink does not answer")


def flood(host, port, count, size, rate):
    sender = Sender(host, port)
    padding = bytes(size - 4)
    start = time.monotonic()
    for number in range(count):
        if rate and number % 50 == 0:
            time.sleep(max(0, start + number / rate - time.monotonic()))
        sender.wait_for_room(number)
        sender.sock.send(number.to_bytes(4, "big") + padding)
    sender.ask(END, ENDS)
    print(json.dumps({"start": start}))


def flood_gso(host, port, bursts, segments, size):
    sender = Sender(host, port)
    padding = bytes(size - 4)
    for burst in range(bursts):
        numbers = range(burst * segments, (burst + 1) * segments)
        sender.wait_for_room(numbers[-1])
        sender.sock.setsockopt(socket.IPPROTO_UDP, 103, size)  # UDP_SEGMENT
        sender.sock.send(b"".join(number.to_bytes(4, "big") + padding for number in numbers))
    sender.sock.setsockopt(socket.IPPROTO_UDP, 103, 0)
    sender.ask(END, ENDS)


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
