// What ports that stand around another port have in common: all that they do not change is the inner port's.
import type { LinkStatus, Port } from "../port.ts";

/** A port around a port. What it leaves alone passes through. */
export abstract class OuterPort implements Port {
  protected readonly inner: Port;

  constructor(inner: Port) {
    this.inner = inner;
  }

  get link(): LinkStatus {
    return this.inner.link;
  }

  get checksumOffload(): boolean {
    return this.inner.checksumOffload;
  }

  get rxSlots(): number {
    return this.inner.rxSlots;
  }

  get blocked(): boolean {
    return this.inner.blocked;
  }

  receive(nowUs: number): number {
    return this.inner.receive(nowUs);
  }

  transmit(nowUs: number): number {
    return this.inner.transmit(nowUs);
  }

  nextDeadlineUs(nowUs: number): number {
    return this.inner.nextDeadlineUs(nowUs);
  }

  beforeSleep(): void {
    this.inner.beforeSleep();
  }

  peerAttached(memory: SharedArrayBuffer): void {
    this.inner.peerAttached(memory);
  }

  close(): void {
    this.inner.close();
  }
}
