#!/usr/bin/python3
"""The kernel's side of the exercises, on ordinary sockets.

  kernel_peer.py server PORT                  echoes each message of one connection as "server echoes: MESSAGE"
  kernel_peer.py client HOST PORT COUNT       sends COUNT messages and prints what comes back
  kernel_peer.py receive PORT FILE            stores what one connection sends
  kernel_peer.py send HOST PORT FILE          sends a file
"""
import socket
import sys


def listen(port):
    listener = socket.create_server(("", port))
    print("READY", flush=True)
    connection, _ = listener.accept()
    return connection


def server(port):
    with listen(port) as connection:
        while message := connection.recv(65536):
            connection.sendall(b"server echoes: " + message)


def client(host, port, count):
    with socket.create_connection((host, port)) as connection:
        for _ in range(count):
            connection.sendall(b"0123456789")
            print(connection.recv(65536).decode(), flush=True)


def receive(port, path):
    with listen(port) as connection, open(path, "wb") as file:
        while data := connection.recv(1 << 20):
            file.write(data)


def send(host, port, path):
    with socket.create_connection((host, port)) as connection, open(path, "rb") as file:
        connection.sendfile(file)


if __name__ == "__main__":
    command, *rest = sys.argv[1:]
    arguments = [int(word) if word.isdigit() else word for word in rest]
    {"server": server, "client": client, "receive": receive, "send": send}[command](*arguments)
