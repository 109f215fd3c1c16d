#!/usr/bin/python3
"""Four hosts around a switch, two transfers at the same time: h1 -> h2 between two of our stacks, h3's kernel -> h4 ours.

  sudo python3 examples/mininet/star.py              [--size MIB] [--captures FOLDER]

hN is 10.0.0.N; the switch is a bridge of the kernel's.
"""
import argparse
import os
import tempfile

import lab
from mininet.net import Mininet
from mininet.nodelib import LinuxBridge
from mininet.topo import SingleSwitchTopo


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=32, help="MiB to transfer")
    parser.add_argument("--captures", default="captures", help="folder for pcapng files; '' for none")
    options = parser.parse_args()
    lab.check_machine()
    if options.captures:
        os.makedirs(options.captures, exist_ok=True)
    topology = SingleSwitchTopo(4)
    net = Mininet(topo=topology, controller=None, switch=LinuxBridge, ipBase="10.0.0.0/24", waitConnected=False)
    net.start()
    try:
        h1, h2, h3, h4 = (net.get(f"h{number}") for number in (1, 2, 3, 4))
        before = [lab.network_state(host) for host in net.hosts]
        with tempfile.TemporaryDirectory() as folder:
            source = os.path.join(folder, "source")
            with open(source, "wb") as file:
                for _ in range(options.size):
                    file.write(os.urandom(1 << 20))
            copies = [os.path.join(folder, name) for name in ("h2", "h4")]
            transfers = [
                lab.Transfer(source, copies[0], h1, "ours", h2, "ours", options.captures),
                lab.Transfer(source, copies[1], h3, "kernel", h4, "ours", options.captures),
            ]
            for name, transfer in zip(("h1 (ours) -> h2 (ours)", "h3 (kernel) -> h4 (ours)"), transfers):
                seconds, there, here = transfer.finish()
                lab.require(there == here, f"{name}: the copy differs")
                print(f"{name}: MD5 {here} equal, {seconds:.1f} s")
        after = [lab.network_state(host) for host in net.hosts]
        lab.require(before == after, "addresses or routes are not what they were")
    finally:
        net.stop()


if __name__ == "__main__":
    main()
