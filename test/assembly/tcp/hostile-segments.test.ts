// Segments that no honest peer sends, or hardly ever: what they may make us do is bounded.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { STATE_ESTABLISHED, STATE_SYN_RECEIVED } from "../../../assembly/layout.ts";
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

test.run();
