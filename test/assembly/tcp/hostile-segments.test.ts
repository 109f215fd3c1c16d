// Segments that no honest peer sends, or hardly ever: what they may make us do is bounded.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import {
  STATE_ESTABLISHED,
  STATE_SYN_RECEIVED,
  TCB_SND_EPOCH,
  TCB_SND_EPOCH_TAKEN,
  TCB_SND_TAIL,
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

test("an ACK bears SND.NXT though the peer rounded its window down, and the window's end if it shrank [7323 2.4]", async () => {
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

test.run();
