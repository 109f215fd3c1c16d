import { suite } from "uvu";
import * as assert from "uvu/assert";
import * as C from "../../../assembly/counters.ts";
import * as L from "../../../assembly/layout.ts";
import { ACK, Core, PSH, RST, SYN } from "./input-harness.ts";

const test = suite("tcp/defer-accept");

async function deferring(seconds: number): Promise<Core> {
  const core = await Core.create();
  const listener = core.listen();
  assert.ok(core.x.inputOption(listener, L.SOCKET_OPTION_DEFER_ACCEPT, seconds, 0, core.now));
  core.synReceived();
  core.events();
  return core;
}

/** Runs the next timer. @returns what leaves then */
function next(core: Core) {
  core.now = core.x.inputNextTimer();
  core.x.inputRunTimers(core.now);
  return core.pullAll();
}

test("drops the ACK that completes the handshake and waits for data", async () => {
  const core = await deferring(3);
  core.arrive({ flags: ACK, seq: 1, ack: 1 });
  assert.is(core.state(), L.STATE_SYN_RECEIVED);
  assert.is(core.counter(C.COUNTER_TCP_DEFER_ACCEPT_DROP), 1);
  assert.is(core.events().size, 0, "main is not told");
  core.arrive({ flags: ACK | PSH, seq: 1, ack: 1, data: 10 });
  assert.is(core.state(), L.STATE_ESTABLISHED);
  assert.is(core.read().length, 10);
});

test("sends no SYN-ACK while it waits, asks once more when the time is up, and then takes a bare ACK", async () => {
  const core = await deferring(3); // 1 s and 2 s fill it
  core.arrive({ flags: ACK, seq: 1, ack: 1 });
  assert.equal(next(core), []);
  const again = next(core);
  assert.equal(
    again.map(({ flags }) => flags),
    [SYN | ACK],
  );
  core.arrive({ flags: ACK, seq: 1, ack: 1 });
  assert.is(core.state(), L.STATE_ESTABLISHED);
});

test("without it the first ACK completes the handshake", async () => {
  const core = await deferring(0);
  core.arrive({ flags: ACK, seq: 1, ack: 1 });
  assert.is(core.state(), L.STATE_ESTABLISHED);
});

test("a child whose ACK finds the accept queue full is reset with tcp_abort_on_overflow 1, kept with 0 [attack 66]", async () => {
  for (const abort of [0, 1]) {
    const core = await Core.create([[L.SYSCTL_TCP_ABORT_ON_OVERFLOW, abort]]);
    const listener = core.listen(2);
    const make = (remotePort: number) => {
      core.arrive({ flags: SYN, remotePort });
      core.index = core.expect({ flags: SYN | ACK }).index;
      return core.iss;
    };
    const complete = (remotePort: number, iss: number) => {
      core.iss = iss;
      return core.arrive({ flags: ACK, seq: 1, ack: 1, remotePort });
    };
    for (const port of [1000, 1001]) complete(port, make(port));
    const last = [make(1002), make(1003)];
    complete(1002, last[0]!);
    assert.is(core.x.inputAcceptQueue(listener), 3);
    assert.is(complete(1003, last[1]!), abort === 1);
    assert.is(core.state(), abort === 1 ? L.STATE_CLOSED : L.STATE_SYN_RECEIVED);
    if (abort === 1) assert.is(core.reset()?.flags, RST);
  }
});

test.run();
