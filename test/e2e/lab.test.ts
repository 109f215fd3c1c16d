// The seed lab in two namespaces: connection management and the echo conversation, ours against ours and against the kernel
// in both roles; and the capture of the connection exercise as tshark reads it.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { type Finished, hasPrivileges, TwoHosts } from "../support/namespaces.ts";
import { tshark } from "../support/tshark.ts";

const LETTERS = "0123456789abcdefghijklmnopqrstuvwxyz";
const ECHOES = Array.from({ length: 10 }, (_, start) => `server echoes: ${LETTERS.slice(start)}\n`).join("");

const lab = suite("e2e/lab");

/** The state lines of one end, in order, without the address. */
function states({ stderr }: Finished): string[] {
  return [...stderr.matchAll(/switch state, from (\S+) to (\S+)\./g)].map((match) => `${match[1]} ${match[2]}`);
}

const SERVER_STATES = [
  "CLOSED LISTEN",
  "CLOSED SYN_RECV",
  "SYN_RECV ESTABLISHED",
  "ESTABLISHED CLOSE_WAIT",
  "CLOSE_WAIT LAST_ACK",
  "LAST_ACK CLOSED",
];
const CLIENT_STATES = [
  "CLOSED SYN_SENT",
  "SYN_SENT ESTABLISHED",
  "ESTABLISHED FIN_WAIT-1",
  "FIN_WAIT-1 FIN_WAIT-2",
  "FIN_WAIT-2 TIME_WAIT",
  "TIME_WAIT CLOSED",
];

/** The listener's own end (LISTEN to CLOSED) is not part of the lab's listing. */
function serverStates(finished: Finished): string[] {
  return states(finished).filter((line) => line !== "LISTEN CLOSED");
}

function succeeded(...all: Finished[]): void {
  for (const { code, stderr } of all) assert.is(code, 0, stderr);
}

if (hasPrivileges()) {
  lab("connects and closes with the kernel as client", async () => {
    using hosts = new TwoHosts();
    const server = hosts.wasmtcp("a", "server", "10001", "--delay-close", "1s", "--debug");
    await server.saw("listen to port 10001");
    const client = hosts.peer("b", "hold-client", hosts.stackAddress.a, "10001");
    const ends = await Promise.all([server.finished, client.finished]);
    succeeded(...ends);
    assert.equal(serverStates(ends[0]), SERVER_STATES);
    assert.match(ends[0].stderr, "DEBUG: 10.77.0.11:10001 switch state, from CLOSED to SYN_RECV.");
  });

  lab("connects and closes with the kernel as server", async () => {
    using hosts = new TwoHosts();
    const server = hosts.peer("a", "hold-server", "10001");
    await server.saw("READY");
    const client = hosts.wasmtcp(
      "b",
      "client",
      hosts.kernelAddress.a,
      "10001",
      "--messages",
      "0",
      "--hold",
      "1s",
      "--debug",
    );
    const ends = await Promise.all([client.finished, server.finished]);
    succeeded(...ends);
    assert.equal(states(ends[0]), CLIENT_STATES);
  });

  lab("echoes between two of ours, with the lab's state lines at both ends", async () => {
    using hosts = new TwoHosts();
    const server = hosts.wasmtcp("a", "server", "10001", "--delay-close", "200ms", "--debug");
    await server.saw("listen to port 10001");
    const client = hosts.wasmtcp("b", "client", hosts.stackAddress.a, "10001", "--debug");
    const ends = await Promise.all([server.finished, client.finished]);
    succeeded(...ends);
    assert.is(ends[1].stdout, ECHOES);
    assert.equal(serverStates(ends[0]), SERVER_STATES);
    assert.equal(states(ends[1]), CLIENT_STATES);
  });

  lab("echoes with the kernel as client", async () => {
    using hosts = new TwoHosts();
    const server = hosts.wasmtcp("a", "server", "10001", "--debug");
    await server.saw("listen to port 10001");
    const client = hosts.peer("b", "echo-client", hosts.stackAddress.a, "10001");
    const ends = await Promise.all([server.finished, client.finished]);
    succeeded(...ends);
    assert.is(ends[1].stdout, ECHOES);
  });

  lab("echoes with the kernel as server", async () => {
    using hosts = new TwoHosts();
    const server = hosts.peer("a", "echo-server", "10001");
    await server.saw("READY");
    const client = hosts.wasmtcp("b", "client", hosts.kernelAddress.a, "10001");
    const ends = await Promise.all([client.finished, server.finished]);
    succeeded(...ends);
    assert.is(ends[0].stdout, ECHOES);
  });

  lab(
    "leaves a capture that tshark reads as the lab's exchange, checksums verified, without an expert warning",
    async () => {
      using hosts = new TwoHosts();
      const folder = mkdtempSync(join(tmpdir(), "wasmtcp-capture-"));
      const capture = join(folder, "client.pcapng");
      try {
        const server = hosts.wasmtcp("a", "server", "10001", "--delay-close", "1s", "--debug");
        await server.saw("listen to port 10001");
        const args = ["client", hosts.stackAddress.a, "10001", "--messages", "0", "--hold", "1s", "--capture", capture];
        const client = hosts.wasmtcp("b", ...args);
        succeeded(...(await Promise.all([server.finished, client.finished])));
        assert.equal(dissect(capture), ["who-has", "is-at", "S", "SA", "A", "FA", "A", "FA", "A"]);
        assert.is(
          tshark(capture, "-Y", "_ws.expert.severity >= 0x600000", "-T", "fields", "-e", "_ws.expert.message"),
          "",
        );
      } finally {
        rmSync(folder, { recursive: true });
      }
    },
  );

  lab("refuses an address that the kernel of the namespace owns, with the cure", async () => {
    using hosts = new TwoHosts();
    const args = ["server", "10001", "--interface", "h1-eth0", "--address", `${hosts.kernelAddress.a}/24`];
    const refused = await hosts.start("a", process.execPath, "dist/src/cli/main.js", ...args).finished;
    assert.is(refused.code, 1);
    assert.match(refused.stderr, /10\.77\.0\.1/);
    assert.match(refused.stderr, /kernel/);
  });
}

/** One word a frame; gratuitous announcements, which are not part of the exchange, are left out. */
function dissect(file: string): string[] {
  const fields = ["-T", "fields", "-e", "arp.opcode", "-e", "tcp.flags.str"];
  const rows = tshark(
    file,
    "-Y",
    "tcp || (arp && !arp.isgratuitous && !arp.isannouncement && !arp.isprobe)",
    ...fields,
  );
  return rows.split("\n").map((row) => {
    const [arp, flags] = row.split("\t");
    if (arp) return arp === "1" ? "who-has" : "is-at";
    return (flags ?? "")
      .replace(/[^A-Z]/g, "")
      .split("")
      .reverse()
      .join("")
      .replace("AS", "SA")
      .replace("AF", "FA");
  });
}

lab.run();
