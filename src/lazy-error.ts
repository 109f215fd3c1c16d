// An error that is made when somebody asks for it. Most connections end with nobody waiting for anything, and an error with its stack costs
// more than all else that main does at a connection's end.

/** Holds an error, and makes it once; is none itself. */
export class LazyError {
  #make: (() => Error) | undefined;
  #error: Error | undefined;

  constructor(make: () => Error) {
    this.#make = make;
  }

  /** The error: always the same. */
  get error(): Error {
    if (this.#make !== undefined) {
      this.#error = this.#make();
      this.#make = undefined;
    }
    return this.#error!;
  }
}

/** Why something ended: an error that is there already, or one that is made for the first who wants it. */
export type Reason = Error | LazyError;

/** The error of a reason. */
export function errorOf(reason: Reason): Error {
  return reason instanceof LazyError ? reason.error : reason;
}
