// More than 4 GiB through one connection: sequence numbers and the offsets of both rings pass 2^31 and 2^32.
import { suite } from "uvu";
import { MIB, SECOND, simulate, transfer } from "../support/sim.ts";

const test = suite("seeds/wrap");

test("4.1 GiB arrive byte by byte, past every end of 32 bits [9293 3.4] [attack 77]", () => {
  const offload = { gsoMax: 65535 };
  const sim = simulate({ a: offload, b: offload, wholeDelayUs: 100, checkInvariants: false });
  transfer(sim, 4200 * MIB, { limitUs: 36_000 * SECOND });
});

test.run();
