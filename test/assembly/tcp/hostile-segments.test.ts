// Segments that no honest peer sends, or hardly ever: what they may make us do is bounded.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import {
  STATE_ESTABLISHED,
  STATE_SYN_RECEIVED,
  TCB_SND_EPOCH,
  TCB_SND_EPOCH_TAKEN,
  TCB_SND_TAIL,
  TCB_SND_WND,
} from "../../../assembly/layout.ts";
import { ACK, Core, FIN, SYN } from "./input-harness.ts";

const test = suite("tcp/hostile-segments");

test("a SYN that comes again with text or FIN is still the same SYN: the SYN-ACK leaves again [9293 3.10.7.4]", async () => {
  const core = await Core.create();
  core.listen();
  core.synReceived();
  for (const again of [{ flags: SYN, data: 100 }, { flags: SYN | FIN }, { flags: SYN }]) {
    assert.not.ok(core.arrive({ mss: 1460, wscale: 7, wnd: 65535, ...again }));
    core.expect({ flags: SYN | ACK, seq: 0, ack: 1 }, "for the same SYN");
    assert.is(core.state(), STATE_SYN_RECEIVED);
  }
  assert.not.ok(core.arrive({ flags: ACK, seq: 1, ack: 1 }));
  assert.is(core.state(), STATE_ESTABLISHED);
});

test("a super-segment out of order that claims to be 60000 segments is answered by few duplicate ACKs [5681 4.2]", async () => {
  const core = await Core.create();
  core.established();
  core.arrive({ flags: ACK, seq: 101, ack: 1, data: 60_000, segments: 60_000, gsoSize: 1 });
  const answers = core.pullAll();
  assert.ok(answers.length > 0 && answers.length <= 129, `${answers.length} ACKs`);
  assert.ok(answers.every((out) => out.ack === 1 && out.payloadLength === 0));
});

// The send ring that main would have been offered, with so many bytes in it
function write(core: Core, bytes: number): void {
  core.x.inputRingWanted(core.index);
  core.setTcb(TCB_SND_EPOCH_TAKEN, core.tcb(TCB_SND_EPOCH));
  core.setTcb(TCB_SND_TAIL, bytes);
  core.kick();
}

test("an ACK bears SND.NXT though the peer rounded its window down, and the window's end if it shrank [7323 2.4] [7323#5]", async () => {
  const core = await Core.create();
  core.established();
  core.arrive({ flags: ACK, seq: 1, ack: 1, wnd: 10 });
  write(core, 1280);
  core.pullAll();
  core.arrive({ flags: ACK, seq: 1, ack: 101, wnd: 9 }); // 101 + 9 * 128 = 1253, and 1281 was promised
  core.arrive({ flags: ACK | FIN, seq: 2, ack: 101, wnd: 9 });
  core.expect({ flags: ACK, seq: 1281 }, "with a window that was rounded");
  core.arrive({ flags: ACK, seq: 1, ack: 102, wnd: 2 });
  core.arrive({ flags: ACK | FIN, seq: 2, ack: 102, wnd: 2 });
  core.expect({ flags: ACK, seq: 102 + 256 }, "with a window that was taken back");
});

test("a window comes with the newest ACK, though text that came out of order has the larger SEG.SEQ [9293 3.10.7.4]", async () => {
  const core = await Core.create();
  core.established();
  core.arrive({ flags: ACK, seq: 1, ack: 1, wnd: 100 });
  write(core, 5000);
  core.pullAll();
  core.arrive({ flags: ACK, seq: 501, ack: 1, wnd: 100, data: 100 });
  assert.is(core.tcb(TCB_SND_WND), 100 << 7);
  core.arrive({ flags: ACK, seq: 1, ack: 1001, wnd: 93, data: 100 });
  assert.is(core.tcb(TCB_SND_WND), 93 << 7, "newer ACK, older text");
});

test("what was retransmitted into a closed window leaves again as soon as it opens [9293 3.8.6]", async () => {
  const core = await Core.create();
  core.established();
  core.arrive({ flags: ACK, seq: 1, ack: 1, wnd: 100 });
  write(core, 1000);
  assert.is(core.pullAll().length, 1);
  core.arrive({ flags: ACK, seq: 1, ack: 1, wnd: 0 }); // taken back
  for (let timeout = 0; timeout < 6; timeout++) {
    core.now = core.x.inputNextTimer();
    core.x.inputRunTimers(core.now);
    const probes = core.pullAll();
    for (const probe of probes) assert.is(probe.seq, 1);
    if (probes.length > 0) core.arrive({ flags: ACK, seq: 1, ack: 1, wnd: 0 });
  }
  core.expectNothing("before the window opens");
  core.arrive({ flags: ACK, seq: 1, ack: 1, wnd: 100 });
  const [again] = core.pullAll();
  assert.is(again?.seq, 1);
  assert.is(again?.payloadLength, 1000);
});

test.run();
