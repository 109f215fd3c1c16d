// Whether the process must stay alive for a stack: while anything that waits for the network is open and has not been unref'ed.

/** What can be told to keep the process alive, or not to. */
export interface Referenced {
  ref(): void;
  unref(): void;
}

/** Counts the holders of a stack. */
export class KeepAlive {
  readonly #target: Referenced;
  #holders = 0;

  /** @param target - unref'ed now */
  constructor(target: Referenced) {
    this.#target = target;
    target.unref();
  }

  hold(): void {
    if (this.#holders++ === 0) this.#target.ref();
  }

  release(): void {
    if (--this.#holders === 0) this.#target.unref();
  }
}

/** One holder that can let go and come back, until it is gone for good. */
export class Holder {
  readonly #keepAlive: KeepAlive;
  #wanted = true;
  #holding = true;
  #gone = false;

  constructor(keepAlive: KeepAlive) {
    this.#keepAlive = keepAlive;
    keepAlive.hold();
  }

  ref(): void {
    this.#wanted = true;
    this.#update();
  }

  unref(): void {
    this.#wanted = false;
    this.#update();
  }

  /** It is over; `ref` does nothing any more. */
  end(): void {
    this.#gone = true;
    this.#update();
  }

  #update(): void {
    const hold = this.#wanted && !this.#gone;
    if (hold === this.#holding) return;
    this.#holding = hold;
    if (hold) this.#keepAlive.hold();
    else this.#keepAlive.release();
  }
}
