// Sends every frame it receives on wtn1 back to 02:77:00:00:00:0a, out of the receive ring itself, until its standard input ends.
import * as layout from "../../../assembly/layout.ts";
import { loadAddon } from "../../../src/native.ts";
import { End, macAddress, TX_RING_PTR } from "./end.ts";
import { TCP_START } from "./frames.ts";

const { Waiter, createWakeFd } = loadAddon();
const end = new End({ interface: "wtn1", mac: 0x0b, ringBytes: 8 << 20 });
const waiter = new Waiter(createWakeFd());
waiter.add(end.socket);

function reflect(): void {
  for (const { ptr, bytes, flags, gsoSize } of end.receive()) {
    end.u8.set(bytes.subarray(0, 6), ptr + 6);
    end.u8.set(macAddress(0x0a), ptr);
    const header = bytes.subarray(0, Math.min(bytes.length, 54));
    const at = end.queue({ header, flags, gsoSize, csumStart: TCP_START });
    end.view.setUint32(at + layout.TX_HEADER_PTR, ptr, true);
    end.view.setUint32(at + layout.TX_PIECE1_PTR, ptr + header.length, true);
    end.view.setUint32(at + layout.TX_PIECE1_LENGTH, bytes.length - header.length, true);
  }
  end.socket.transmit();
  if (end.view.getUint32(TX_RING_PTR + layout.RING_CORRUPT, true) !== 0) process.exit(1);
}

let ended = false;
process.stdin.on("end", () => {
  ended = true;
});
process.stdin.resume();
console.log("ready");
(function turn(): void {
  if (ended) {
    end.socket.close();
    process.exit(0);
  }
  waiter.wait(10_000);
  reflect();
  setImmediate(turn);
})();
