// Promises of numbers that are known already: calls that do not have to wait must return one all the same, and equal numbers (chunks
// of one size) can share it, whichever connection they are of. The last one of each direction is kept.

class ResolvedNumber {
  #value = Number.NaN;
  #promise: Promise<number> = Promise.resolve(Number.NaN);

  /** A promise resolved with `value`. */
  of(value: number): Promise<number> {
    if (value !== this.#value) {
      this.#value = value;
      this.#promise = Promise.resolve(value);
    }
    return this.#promise;
  }
}

const received = new ResolvedNumber();
const sent = new ResolvedNumber();

/** A promise resolved with the bytes that a read gave. */
export function resolvedRead(count: number): Promise<number> {
  return received.of(count);
}

/** A promise resolved with the bytes that a write took. */
export function resolvedWrite(count: number): Promise<number> {
  return sent.of(count);
}
