// What does a segment cost from frame to socket and back: data received, ACK received, data sent? The production build, two cores on
// one connection, virtual time. The rest of each round (pair.ts) is not measured.
// Run: tsx bench/micro/segment.ts [--json]
import { Pair } from "./pair.ts";
import { type Operation, report } from "./report.ts";

const BATCH = 32;
const WIRE = {
  mtu: 1512, // 1460 bytes of payload beside timestamps
  gsoMax: 0,
  ringBytes: 1 << 20,
  slotBytes: 2048,
  frames: 6 * BATCH,
  payload: 1460,
};
const SUPER = {
  mtu: 1500,
  gsoMax: 65_535,
  checksumOffload: true,
  slotBytes: 1 << 17,
  payload: 45 * 1448, // what fits into an IPv4 packet
};

const offloaded = new Pair({ ...WIRE, checksumOffload: true });
const plain = new Pair({ ...WIRE, checksumOffload: false });
// Slots and ring of 8 are 1.5 MiB, of 16 3 MiB: within and beyond the second-level cache of most processors
const few = new Pair({ ...SUPER, frames: 8, ringBytes: 1 << 20 });
const many = new Pair({ ...SUPER, frames: 16, ringBytes: 1 << 21 });

/** Before a sample: ends the round before, after a look at what its timed step did, and starts a new one. */
function rounds(pair: Pair, isDone: () => boolean, start: () => void): () => void {
  let isFirst = true;
  return () => {
    if (!isFirst && !isDone()) throw new Error("the step that was timed did not do its work");
    isFirst = false;
    pair.settle();
    pair.queue();
    start();
  };
}

function receiveData(name: string, pair: Pair, batch: number): Operation {
  const isDone = () => pair.readable === pair.roundBytes;
  const prepare = rounds(pair, isDone, () => {
    pair.launch();
    pair.receiver.expectAlike(pair.frames);
    pair.receiver.arrived = 0;
  });
  const run = (n: number) => pair.receiver.receiveAlike(0, n, batch, pair.nowUs);
  return { name, bytes: pair.roundBytes / pair.frames, iterations: pair.frames, prepare, run };
}

function receiveAcks(name: string, pair: Pair, batch: number): Operation {
  const prepare = rounds(
    pair,
    () => pair.unacknowledged === 0,
    () => {
      pair.launch();
      pair.receiver.expectAlike(pair.frames);
      pair.acknowledgeByTwo();
      pair.sender.expectAlike(pair.frames / 2);
      pair.sender.arrived = 0;
    },
  );
  const run = (n: number) => pair.sender.receiveAlike(0, n, batch, pair.nowUs);
  return { name, iterations: pair.frames / 2, prepare, run };
}

function sendData(name: string, pair: Pair): Operation {
  const prepare = rounds(
    pair,
    () => pair.sender.taken === pair.frames,
    () => {},
  );
  const run = () => pair.sender.send(pair.nowUs);
  return { name, bytes: pair.roundBytes / pair.frames, iterations: pair.frames, prepare, run };
}

await report("micro/segment", [
  receiveData("receive 1460 B in order, one by one", offloaded, 1),
  receiveData(`receive 1460 B in order, batches of ${BATCH}`, offloaded, BATCH),
  receiveData("receive 1460 B in order, one by one, checksum verified", plain, 1),
  receiveData(`receive 1460 B in order, batches of ${BATCH}, checksum verified`, plain, BATCH),
  receiveAcks("receive an ACK of two segments, one by one", offloaded, 1),
  receiveAcks(`receive an ACK of two segments, batches of ${BATCH}`, offloaded, BATCH),
  sendData("send 1460 B, partial checksum", offloaded),
  sendData("send 1460 B, whole checksum", plain),
  receiveData("receive a super-segment of 65160 B, 8 waiting", few, 1),
  receiveData("receive a super-segment of 65160 B, 16 waiting", many, 1),
]);
