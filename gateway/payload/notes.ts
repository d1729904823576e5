/** Problems found in one message: all at once, but never without bound (threats.md, finding 11). */
import {
  type FaultCode,
  type FaultDetail,
  LIMITS,
  type Refusal,
  sayFault,
} from '../../domain/index.ts';

/** Collects what is wrong with one record until it is taken as one refusal. */
export class Notes {
  #code: FaultCode | undefined;
  #said: string[] = [];
  #count = 0;

  get clean(): boolean {
    return this.#count === 0;
  }

  add(code: FaultCode, detail: FaultDetail, place: string): void {
    this.#code ??= code;
    this.#count += 1;
    if (this.#said.length < LIMITS.payloadRecordProblemsMax) {
      this.#said.push(`${place}: ${sayFault(code, detail)}`);
    }
  }

  schema(place: string, detail: string): void {
    this.add('PAYLOAD_SCHEMA', { detail }, place);
  }

  /** The refusal for what was noted since the last call. */
  take(at: string, records: number): Refusal {
    const more = this.#count - this.#said.length;
    const reason = this.#said.join('; ') + (more > 0 ? `; and ${more} more` : '');
    const code = this.#code ?? 'PAYLOAD_SCHEMA';
    this.#code = undefined;
    this.#said = [];
    this.#count = 0;
    return { code, reason, message: 0, at, records };
  }
}

/** The refusals of one message; beyond the bound they are counted in one last note. */
export class RefusalList {
  readonly #list: Refusal[] = [];
  #beyond = 0;
  #beyondRecords = 0;

  add(refusal: Refusal): void {
    if (this.#list.length < LIMITS.pushProblemsMax) {
      this.#list.push(refusal);
      return;
    }
    this.#beyond += 1;
    this.#beyondRecords += refusal.records;
  }

  all(): readonly Refusal[] {
    if (this.#beyond === 0) return this.#list;
    const listed = `only the first ${LIMITS.pushProblemsMax} are listed`;
    const note: Refusal = {
      code: 'PAYLOAD_SCHEMA',
      reason: `${this.#beyond} more records are refused; ${listed}`,
      message: 0,
      at: 'message',
      records: this.#beyondRecords,
    };
    return [...this.#list, note];
  }
}
