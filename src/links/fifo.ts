// A first-in, first-out queue in a circular array that grows by doubling and never shrinks, so that a steady flow
// allocates nothing. Knows nothing of what it holds.

const INITIAL_CAPACITY = 16;

/** First in, first out; `push`, `shift` and `peek` take constant (amortised) time. */
export class Fifo<T> {
  // [ . . head ... head + size . . ], positions masked by the capacity, a power of two
  #items: (T | undefined)[] = new Array(INITIAL_CAPACITY).fill(undefined);
  #head = 0;
  #size = 0;

  /** Items inside. */
  get size(): number {
    return this.#size;
  }

  /** Adds an item at the end. */
  push(item: T): void {
    if (this.#size === this.#items.length) this.#grow();
    this.#items[(this.#head + this.#size) & (this.#items.length - 1)] = item;
    this.#size++;
  }

  /** The first item, or undefined when empty. */
  peek(): T | undefined {
    return this.#items[this.#head];
  }

  /** Takes the first item out, or gives undefined when empty. */
  shift(): T | undefined {
    if (this.#size === 0) return undefined;
    const item = this.#items[this.#head];
    this.#items[this.#head] = undefined;
    this.#head = (this.#head + 1) & (this.#items.length - 1);
    this.#size--;
    return item;
  }

  #grow(): void {
    const old = this.#items;
    const items: (T | undefined)[] = new Array(old.length * 2).fill(undefined);
    for (let i = 0; i < this.#size; i++) items[i] = old[(this.#head + i) & (old.length - 1)];
    this.#items = items;
    this.#head = 0;
  }
}
