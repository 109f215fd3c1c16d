// Promises of numbers that are known already: calls that do not have to wait must return one all the same, and equal numbers (chunks
// of one size) can share it.

/** Keeps the last promise it made. */
export class ResolvedNumber {
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
