/**
 * A profile's memory: a fixed number of entries, the oldest overwritten by the newest, as in the
 * meter. Typed arrays, grown as it fills, so that thousands of meters fit into a process.
 */

export interface RingEntry {
  /** Epoch seconds of the capture, by the meter's clock. */
  readonly timeS: number;
  readonly status: number;
  readonly values: readonly number[];
}

const FIRST_ENTRIES = 32;

export class Ring {
  readonly capacity: number;
  readonly columns: number;
  #times = new Uint32Array(0);
  #statuses = new Uint8Array(0);
  #values = new Float64Array(0);
  #length = 0;
  /** Place of the oldest entry. */
  #first = 0;
  #captured = 0;

  constructor(capacity: number, columns: number) {
    this.capacity = capacity;
    this.columns = columns;
  }

  /** entries_in_use */
  get length(): number {
    return this.#length;
  }

  /** Entries that are gone for good. */
  get overwritten(): number {
    return this.#captured - this.#length;
  }

  push(entry: RingEntry): void {
    if (this.#length === this.#times.length && this.#length < this.capacity) this.#grow();
    const at = (this.#first + this.#length) % this.#times.length;
    if (this.#length === this.capacity) this.#first = (this.#first + 1) % this.capacity;
    else this.#length += 1;
    this.#times[at] = entry.timeS;
    this.#statuses[at] = entry.status;
    for (let i = 0; i < this.columns; i += 1) {
      this.#values[at * this.columns + i] = entry.values[i] ?? 0;
    }
    this.#captured += 1;
  }

  /** 0 is the oldest. */
  at(index: number): RingEntry {
    const place = this.#place(index);
    const from = place * this.columns;
    return {
      timeS: this.#times[place] as number,
      status: this.#statuses[place] as number,
      values: Array.from(this.#values.subarray(from, from + this.columns)),
    };
  }

  timeAt(index: number): number {
    return this.#times[this.#place(index)] as number;
  }

  clear(): void {
    this.#length = 0;
    this.#first = 0;
  }

  #place(index: number): number {
    if (index < 0 || index >= this.#length) throw new RangeError(`no entry ${index}`);
    return (this.#first + index) % this.#times.length;
  }

  /** Only before anything was overwritten, so `first` is 0 and order needs no care. */
  #grow(): void {
    const size = Math.min(this.capacity, Math.max(FIRST_ENTRIES, this.#times.length * 2));
    const [times, statuses, values] = [this.#times, this.#statuses, this.#values];
    this.#times = new Uint32Array(size);
    this.#statuses = new Uint8Array(size);
    this.#values = new Float64Array(size * this.columns);
    this.#times.set(times);
    this.#statuses.set(statuses);
    this.#values.set(values);
  }
}
