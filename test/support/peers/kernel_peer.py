"""A peer on kernel sockets for the end-to-end tests: the other end of a connection, a conversation or a file.

    kernel_peer.py hold-server PORT             accept, expect end of stream, close one second later
    kernel_peer.py hold-client HOST PORT        connect, stay one second, shut down, expect end of stream
    kernel_peer.py echo-server PORT             answer each message with 'server echoes: MESSAGE'
    kernel_peer.py echo-client HOST PORT        ten messages, each a shorter suffix; prints the answers
    kernel_peer.py receive PORT FILE            store one stream
    kernel_peer.py send HOST PORT FILE          send one file, wait until the peer has closed too
    kernel_peer.py trickle HOST PORT FILE       send one file in small pieces, 10 MB/s
    kernel_peer.py break HOST PORT BYTES        send so many bytes, then reset the connection
    kernel_peer.py break-server PORT BYTES      accept, receive so many bytes, then reset the connection
    kernel_peer.py expect-reset PORT            accept, receive until the peer resets the connection; prints the bytes before
    kernel_peer.py crowd-server PORT COUNT      accept so many connections at once and send back what comes
    kernel_peer.py crowd-client HOST PORT COUNT BYTES
                                                make so many connections, then send random bytes on each, which must come back
    kernel_peer.py inject INTERFACE xHEX...     send frames as they are
Prints READY once it listens. Exits 0 only after an orderly end on both sides.
"""
import contextlib
import hashlib
import os
import shutil
import socket
import struct
import sys
import threading
import time

LETTERS = "0123456789abcdefghijklmnopqrstuvwxyz"


def accept_one(port):
    listener = socket.create_server(("0.0.0.0", port))
    print("READY", flush=True)
    connection, _ = listener.accept()
    listener.close()
    return connection


def dial(host, port):
    connection = socket.create_connection((host, port), timeout=30)
    connection.settimeout(300)
    return connection


def expect_end(connection):
    extra = connection.recv(1)
    assert extra == b"", f"data where the end of the stream was due: {extra!r}"


def hold_server(port):
    with accept_one(port) as connection:
        expect_end(connection)
        time.sleep(1)


def hold_client(host, port):
    with dial(host, port) as connection:
        time.sleep(1)
        connection.shutdown(socket.SHUT_WR)
        expect_end(connection)


def echo_server(port):
    with accept_one(port) as connection:
        while message := connection.recv(1000):
            connection.sendall(b"server echoes: " + message)


def echo_client(host, port):
    with dial(host, port) as connection:
        for start in range(10):
            expected = b"server echoes: " + LETTERS[start:].encode()
            connection.sendall(LETTERS[start:].encode())
            answer = connection.recv(len(expected), socket.MSG_WAITALL)
            print(answer.decode(), flush=True)
            assert answer == expected, f"{answer!r} is not {expected!r}"


def receive(port, path):
    with accept_one(port) as connection, open(path, "wb") as target:
        shutil.copyfileobj(connection.makefile("rb"), target, 1 << 18)


def send(host, port, path):
    with dial(host, port) as connection, open(path, "rb") as source:
        connection.sendfile(source)
        connection.shutdown(socket.SHUT_WR)
        expect_end(connection)


def trickle(host, port, path):
    with dial(host, port) as connection, open(path, "rb") as source:
        while piece := source.read(1 << 16):
            connection.sendall(piece)
            time.sleep(len(piece) / 10e6)


def reset(connection):
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def break_off(host, port, count):
    connection = dial(host, port)
    connection.sendall(bytes(count))
    time.sleep(0.5)
    reset(connection)


def break_server(port, count):
    connection = accept_one(port)
    while count > 0:
        count -= len(connection.recv(min(count, 1 << 16)))
    reset(connection)


def expect_reset(port):
    total = 0
    try:
        with accept_one(port) as connection:
            while message := connection.recv(1 << 16):
                if total == 0:
                    print("BEGUN", flush=True)
                total += len(message)
    except ConnectionResetError:
        print(total, flush=True)
        return
    sys.exit("the stream ended in order")


def echo_until_end(connection):
    with connection, contextlib.suppress(ConnectionResetError):
        while data := connection.recv(1 << 16):
            connection.sendall(data)


def crowd_server(port, count):
    listener = socket.create_server(("0.0.0.0", port), backlog=count)
    print("READY", flush=True)
    threads = []
    for _ in range(count):
        threads.append(threading.Thread(target=echo_until_end, args=(listener.accept()[0],)))
        threads[-1].start()
    for thread in threads:
        thread.join()


def crowd_client(host, port, count, size):
    def talk(connection, sent):
        with connection:
            writer = threading.Thread(target=lambda: (connection.sendall(sent), connection.shutdown(socket.SHUT_WR)))
            writer.start()
            received = hashlib.sha256()
            while data := connection.recv(1 << 16):
                received.update(data)
            writer.join()
            assert received.digest() == hashlib.sha256(sent).digest(), "other bytes came back"
            good.append(1)

    good = []
    connections = [dial(host, port) for _ in range(count)]
    threads = [threading.Thread(target=talk, args=(one, os.urandom(size))) for one in connections]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print(len(good), flush=True)
    assert len(good) == count


def inject(interface, *frames):
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as wire:
        wire.bind((interface, 0))
        for frame in frames:
            wire.send(bytes.fromhex(frame[1:]))


COMMANDS = {
    "crowd-server": crowd_server,
    "crowd-client": crowd_client,
    "hold-server": hold_server,
    "hold-client": hold_client,
    "echo-server": echo_server,
    "echo-client": echo_client,
    "receive": receive,
    "send": send,
    "trickle": trickle,
    "break": break_off,
    "break-server": break_server,
    "expect-reset": expect_reset,
    "inject": inject,
}

if __name__ == "__main__":
    name, *words = sys.argv[1:]
    COMMANDS[name](*[int(word) if word.isdigit() else word for word in words])
