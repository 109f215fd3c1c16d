"""What the mininet examples share: starting ends of either kind on a host, and looking at what came of it."""
import hashlib
import os
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
WASMTCP = ["node", os.path.join(ROOT, "dist", "src", "cli", "main.js")]
KERNEL = ["/usr/bin/python3", os.path.join(HERE, "kernel_peer.py")]
PORT = "10001"
PREFIX = 24


def require(condition, message):
    """Ends the example with a message that says what to do."""
    if not condition:
        sys.exit(f"{os.path.basename(sys.argv[0])}: {message}")


def check_machine():
    require(os.geteuid() == 0, "mininet needs root: sudo python3 " + " ".join(sys.argv))
    require(os.path.exists(WASMTCP[1]), f"{WASMTCP[1]} is missing; build it first: npm ci && npm run build")


class End:
    """A process on a host of the network: our stack in the place of the host's kernel, or the kernel itself."""

    def __init__(self, host, kind, command, captures=None):
        self.host, self.kind, self.command = host, kind, command
        if kind == "ours":
            interface = host.defaultIntf().name
            own = ["--interface", interface, "--address", f"{host.IP()}/{PREFIX}", "--take-over"]
            if captures:
                own += ["--capture", os.path.join(captures, f"{host.name}-{command[0]}.pcapng")]
            words = WASMTCP + command + own
        else:
            words = KERNEL + command
        self.process = host.popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def wait_until_listening(self):
        """Polls the host's state: our end says so to `wasmtcp ss`, the kernel's is in /proc/net/tcp."""
        for _ in range(200):
            if self.process.poll() is not None:
                sys.exit(f"{self} ended: {self.process.communicate()[1]}")
            if self.is_listening():
                return
            time.sleep(0.05)
        self.process.kill()
        sys.exit(f"{self} does not listen")

    def is_listening(self):
        if self.kind == "ours":
            shown = subprocess.run(WASMTCP + ["ss", str(self.process.pid)], capture_output=True, text=True, check=False)
            return "LISTEN" in shown.stdout
        port = f":{int(PORT):04X} "
        lines = self.host.cmd("cat /proc/net/tcp").splitlines()
        return any(port in line and " 0A " in line for line in lines)

    def finish(self):
        """Waits for its end. Returns what it printed."""
        out, err = self.process.communicate(timeout=300)
        require(self.process.returncode == 0, f"{self} failed ({self.process.returncode}): {err.strip()}")
        return out

    def __str__(self):
        return f"{self.host.name} ({self.kind}) {' '.join(self.command)}"


def echo(server_host, server_kind, client_host, client_kind, captures=None):
    """The echo exercise. Returns the lines that the client printed."""
    server = End(server_host, server_kind, ["server", PORT], captures)
    server.wait_until_listening()
    count = ["--messages", "5"] if client_kind == "ours" else ["5"]
    client = End(client_host, client_kind, ["client", server_host.IP(), PORT] + count, captures)
    printed = client.finish().splitlines()
    server.finish()
    return [line for line in printed if line.startswith("server echoes:")]


class Transfer:
    """A file on its way from one host to another."""

    def __init__(self, source, copy, sender, sender_kind, receiver, receiver_kind, captures=None):
        self.source, self.copy = source, copy
        self.receiver = End(receiver, receiver_kind, ["receive", PORT, copy], captures)
        self.receiver.wait_until_listening()
        self.start = time.monotonic()
        self.sender = End(sender, sender_kind, ["send", receiver.IP(), PORT, source], captures)

    def finish(self):
        """Returns (seconds, MD5 of the source, MD5 of the copy)."""
        self.sender.finish()
        self.receiver.finish()
        return time.monotonic() - self.start, md5(self.source), md5(self.copy)


def md5(path):
    digest = hashlib.md5()
    with open(path, "rb") as file:
        while data := file.read(1 << 20):
            digest.update(data)
    return digest.hexdigest()


def network_state(host):
    """Addresses and routes of a host, to be compared with later."""
    return host.cmd(f"ip -4 addr show dev {host.defaultIntf().name}") + host.cmd("ip -4 route")


def restore(host):
    """What somebody does on a host whose run was killed."""
    return host.cmd(" ".join(WASMTCP + ["restore"]))
