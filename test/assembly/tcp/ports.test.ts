import { suite } from "uvu";
import * as assert from "uvu/assert";
import * as L from "../../../assembly/layout.ts";
import { ACK, Core, RST, SYN } from "./input-harness.ts";

const test = suite("tcp/ports");
const RANGE: [number, number][] = [
  [L.SYSCTL_IP_LOCAL_PORT_RANGE_MIN, 50000],
  [L.SYSCTL_IP_LOCAL_PORT_RANGE_MAX, 50009],
];

const localPort = (core: Core, index: number): number =>
  core.view.getUint16(L.TCB_RECORDS + index * L.TCB_BYTES + L.TCB_LOCAL_PORT, true);

test("gives each connection to one destination its own port of ip_local_port_range, until none is left", async () => {
  const core = await Core.create(RANGE);
  const ports = new Set<number>();
  for (let i = 0; i < 10; i++) {
    const index: number = core.x.inputConnect(0, 80, false, 0, core.now);
    assert.ok(index >= 0);
    ports.add(localPort(core, index));
  }
  assert.equal(
    [...ports].sort(),
    [...Array(10).keys()].map((i) => 50000 + i),
  );
  assert.is(core.x.inputConnect(0, 80, false, 0, core.now), -L.EADDRNOTAVAIL);
  assert.ok(core.x.inputConnect(0, 81, false, 0, core.now) >= 0, "another destination has all of them");
});

test("starts elsewhere for each destination [RFC 6056 3.3.4] [attack 63]", async () => {
  const core = await Core.create();
  const offsets = new Set<number>();
  for (let port = 1; port <= 50; port++)
    offsets.add(localPort(core, core.x.inputConnect(0, port, false, 0, core.now)) - port);
  assert.ok(offsets.size > 40, "ports do not simply count up");
});

test("successive ports of one destination are steps of 1 to 8 apart that cannot be foretold [RFC 6056 3.3.4] [attack 63]", async () => {
  const core = await Core.create();
  const steps: number[] = [];
  let before = localPort(core, core.x.inputConnect(0, 80, false, 0, core.now));
  for (let i = 0; i < 400; i++) {
    const index: number = core.x.inputConnect(0, 80, false, 0, core.now);
    const port = localPort(core, index);
    core.x.inputAbort(index, core.now); // its port is free again, and not the next one
    steps.push((port - before + 28_232) % 28_232);
    before = port;
  }
  assert.ok(steps.every((step) => step >= 1 && step <= 9));
  for (let step = 1; step <= 8; step++) {
    const share = steps.filter((seen) => seen === step).length;
    assert.ok(share > 20 && share < 90, `${share} steps of ${step} in 400`);
  }
});

test("connections to one destination do not tell how many went elsewhere [RFC 6056 3.3.4] [attack 63]", async () => {
  // With one counter for all, the distance between two probes is the number of connections between them
  let unmoved = 0;
  for (let other = 1; other <= 50; other++) {
    const core = await Core.create();
    const probe = () => localPort(core, core.x.inputConnect(0, 80, false, 0, core.now));
    const first = probe();
    for (let i = 0; i < 20; i++) core.x.inputConnect(0, 1000 + other, false, 0, core.now);
    if ((probe() - first + 28_232) % 28_232 <= 8) unmoved++;
  }
  assert.ok(unmoved >= 48, `${unmoved} of 50`);
});

test("passes over ports on which somebody listens", async () => {
  const core = await Core.create(RANGE);
  for (let port = 50000; port < 50009; port++) core.listen(1, port);
  assert.is(localPort(core, core.x.inputConnect(0, 80, false, 0, core.now)), 50009);
});

test("refuses a port that the caller named and somebody uses: a listener's, or the same connection's", async () => {
  const core = await Core.create();
  core.listen(1, 4000);
  assert.is(core.x.inputConnect(4000, 80, false, 0, core.now), -L.EADDRINUSE);
  assert.ok(core.x.inputConnect(4001, 80, false, 0, core.now) >= 0);
  assert.is(core.x.inputConnect(4001, 80, false, 0, core.now), -L.EADDRINUSE);
  assert.ok(core.x.inputConnect(4001, 81, false, 0, core.now) >= 0);
  assert.is(core.x.inputConnect(4002, 0, false, 0, core.now), -L.EADDRNOTAVAIL);
});

test("a port is free again once its connection is", async () => {
  const core = (await Core.create()).synSent();
  core.arrive({ flags: RST | ACK, ack: 1 });
  core.events();
  assert.ok(core.x.inputConnect(40000, 80, false, 0, core.now) >= 0);
});

test("segments find their own connection among many with the same local port", async () => {
  const core = await Core.create();
  core.listen(300);
  const index = new Map<number, [number, number]>();
  for (let port = 1; port <= 300; port++) {
    core.arrive({ flags: SYN, remotePort: port, mss: 1460 });
    const out = core.expect({ flags: SYN | ACK });
    index.set(port, [out.index, core.iss]);
  }
  for (const [port, [tcb, iss]] of index) {
    core.iss = iss;
    core.arrive({ flags: ACK, seq: 1, ack: 1, remotePort: port });
    assert.is(core.state(tcb), L.STATE_ESTABLISHED);
  }
  assert.is(core.x.tcbsInUse(), 301);
});

test.run();
