#!/usr/bin/python3
"""Two hosts on one cable: echo and file transfer, our stack at one end or at both, in the place of the hosts' kernels.

  sudo python3 examples/mininet/two_hosts.py                        all pairings
  sudo python3 examples/mininet/two_hosts.py --ends ours-kernel     h1 ours, h2 the kernel
  sudo python3 examples/mininet/two_hosts.py --kill                 kill -9 in mid-transfer, then `wasmtcp restore`
  sudo python3 examples/mininet/two_hosts.py --cli                  the network, and mininet's prompt

h1 is 10.0.0.1, h2 is 10.0.0.2. The packets lie in --captures afterwards, for Wireshark.
"""
import argparse
import os
import signal
import tempfile
import time

import lab
from mininet.cli import CLI
from mininet.link import TCLink
from mininet.net import Mininet
from mininet.nodelib import LinuxBridge

ENDS = ["ours-ours", "ours-kernel", "kernel-ours"]


def build(link):
    """h1 and h2, with a cable between them or a bridge."""
    net = Mininet(controller=None, switch=LinuxBridge, link=TCLink, waitConnected=False)
    h1 = net.addHost("h1", ip="10.0.0.1/24")
    h2 = net.addHost("h2", ip="10.0.0.2/24")
    if link == "direct":
        net.addLink(h1, h2)
    else:
        switch = net.addSwitch("s1")
        net.addLink(h1, switch)
        net.addLink(h2, switch)
    net.start()
    return net, h1, h2


def exercise(h1, h2, ends, folder, captures):
    captures = captures and os.path.join(captures, ends)
    if captures:
        os.makedirs(captures, exist_ok=True)
    kind1, kind2 = ends.split("-")
    before = [lab.network_state(host) for host in (h1, h2)]
    lines = lab.echo(h1, kind1, h2, kind2, captures)
    lab.require(len(lines) == 5, f"{ends}: {len(lines)} of 5 echoes came back")
    print(f"{ends}: echo: {lines[0]}")
    source, copy = os.path.join(folder, "source"), os.path.join(folder, f"copy-{ends}")
    for sender, sender_kind, receiver, receiver_kind in ((h1, kind1, h2, kind2), (h2, kind2, h1, kind1)):
        transfer = lab.Transfer(source, copy, sender, sender_kind, receiver, receiver_kind, captures)
        seconds, there, here = transfer.finish()
        lab.require(there == here, f"{ends}: the copy differs: MD5 {there} and {here}")
        print(f"{ends}: {sender.name} ({sender_kind}) -> {receiver.name} ({receiver_kind}): "
              f"MD5 {here} equal, {seconds:.1f} s with starting up")
    after = [lab.network_state(host) for host in (h1, h2)]
    lab.require(before == after, f"{ends}: addresses or routes are not what they were")


def kill_in_mid_transfer(h1, h2, folder):
    before = lab.network_state(h1)
    source, copy = os.path.join(folder, "source"), os.path.join(folder, "copy-killed")
    transfer = lab.Transfer(source, copy, h1, "ours", h2, "kernel")
    while not os.path.exists(copy) or os.path.getsize(copy) == 0:
        time.sleep(0.01)
    os.kill(transfer.sender.process.pid, signal.SIGKILL)
    transfer.sender.process.wait()
    lab.require(lab.network_state(h1) != before, "the transfer was over before it could be killed: use a larger --size")
    print("killed; h1 has no address now")
    transfer.receiver.process.kill()
    print(lab.restore(h1).strip())
    lab.require(lab.network_state(h1) == before, "addresses or routes are not what they were")
    print("addresses and routes are as before")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ends", choices=ENDS + ["all"], default="all", help="who is at h1 and at h2")
    parser.add_argument("--link", choices=["direct", "bridge"], default="direct")
    parser.add_argument("--size", type=int, default=64, help="MiB to transfer")
    parser.add_argument("--captures", default="captures", help="folder for pcapng files; '' for none")
    parser.add_argument("--kill", action="store_true", help="kill -9 a sender in mid-transfer and restore")
    parser.add_argument("--cli", action="store_true", help="only build the network and give mininet's prompt")
    options = parser.parse_args()
    lab.check_machine()
    net, h1, h2 = build(options.link)
    try:
        if options.cli:
            CLI(net)
            return
        with tempfile.TemporaryDirectory() as folder:
            with open(os.path.join(folder, "source"), "wb") as file:
                for _ in range(options.size):
                    file.write(os.urandom(1 << 20))
            if options.kill:
                kill_in_mid_transfer(h1, h2, folder)
                return
            for ends in ENDS if options.ends == "all" else [options.ends]:
                exercise(h1, h2, ends, folder, options.captures)
    finally:
        net.stop()


if __name__ == "__main__":
    main()
