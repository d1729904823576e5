import type { IdempotencyStore } from '../../gateway/http/push-ports.ts';

/** The rules of the port without a database: for tests only, nothing survives the process. */
export class MemoryIdempotency implements IdempotencyStore {
  readonly #known = new Map<string, { hash: string; finished: boolean }>();

  async begin(principal: string, key: string, bodyHash: string) {
    const id = `${principal}\n${key}`;
    const known = this.#known.get(id);
    if (known === undefined) {
      this.#known.set(id, { hash: bodyHash, finished: false });
      return 'new';
    }
    if (known.hash !== bodyHash) return 'conflict';
    return known.finished ? 'same' : 'new';
  }

  async finish(principal: string, key: string): Promise<void> {
    const known = this.#known.get(`${principal}\n${key}`);
    if (known !== undefined) known.finished = true;
  }
}
