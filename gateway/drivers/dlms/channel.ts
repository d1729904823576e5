/**
 * Requests and answers of one association, one after the other: protected as it demands, matched
 * by invoke id, kept as evidence. Whatever leaves doubt about the line ends it.
 */
import { Fault, isFault, LIMITS } from '../../../domain/index.ts';
import { encodeAcse } from '../../protocols/dlms/acse.ts';
import { type Apdu, decodeApdu, encodeApdu } from '../../protocols/dlms/apdu.ts';
import { allows, type ConformanceName } from '../../protocols/dlms/conformance.ts';
import type { Invoke } from '../../protocols/dlms/fields.ts';
import { EXCEPTION_SERVICES } from '../../protocols/dlms/messages.ts';
import { exceptionFault, type Negotiated } from './association.ts';
import { Evidence } from './evidence.ts';
import type { ApduLink } from './links.ts';
import type { ClientProtection } from './protection.ts';

/** What protection adds to an APDU at most. */
const PROTECTION_OCTETS = 36;

export type Request = Extract<Apdu, { readonly invoke: Invoke }>;

export class Channel {
  readonly evidence = new Evidence();
  readonly #link: ApduLink;
  readonly #protection: ClientProtection | undefined;
  readonly #negotiated: Negotiated;
  #invokeId = 0;
  #over = false;

  constructor(link: ApduLink, protection: ClientProtection | undefined, negotiated: Negotiated) {
    this.#link = link;
    this.#protection = protection;
    this.#negotiated = negotiated;
  }

  /** No more requests: the line broke, or an answer was not to be trusted. */
  get over(): boolean {
    return this.#over;
  }

  can(name: ConformanceName): boolean {
    return allows(this.#negotiated.conformance, name);
  }

  nextInvoke(): Invoke {
    this.#invokeId = (this.#invokeId + 1) & 0x0f;
    return { id: this.#invokeId, confirmed: true, highPriority: true };
  }

  /** Largest plain APDU the meter takes. */
  plainOctetsMax(): number {
    const wire = this.#negotiated.serverMaxPdu || LIMITS.dlmsApduBytesMax;
    return this.#protection === undefined ? wire : wire - PROTECTION_OCTETS;
  }

  /**
   * The answer to a request. Throws DLMS_EXCEPTION or DLMS_COUNTER for an exception, DLMS_ANSWER
   * for an answer to something else, and what the line and the decoders throw.
   */
  async ask(what: string, request: Request): Promise<Apdu> {
    if (this.#over) throw new Fault('DLMS_CLOSED', { what });
    const plain = encodeApdu(request);
    const opened = await this.#carry(what, plain);
    this.evidence.keep(plain, opened);
    const answer = decodeApdu(opened);
    if (answer.kind === 'exception-response') {
      // One service refused leaves the association as it was, unless it is about its keys.
      this.#over = answer.serviceError.code >= EXCEPTION_SERVICES.decipheringError;
      throw exceptionFault(what, answer, this.#protection);
    }
    const got = 'invoke' in answer ? answer.invoke.id : undefined;
    if (got === request.invoke.id) return answer;
    this.#over = true;
    throw new Fault('DLMS_ANSWER', { what, got: `${answer.kind} to invoke id ${got}` });
  }

  /** Rejects only when the counters accepted from the meter cannot be stored. */
  async close(): Promise<void> {
    const over = this.#over;
    this.#over = true;
    try {
      if (!over) await this.#release();
    } finally {
      await this.#link.close();
      await this.#protection?.remember();
    }
  }

  async #carry(what: string, plain: Uint8Array): Promise<Uint8Array> {
    const protection = this.#protection;
    try {
      const sealed = protection === undefined ? plain : await protection.seal(plain);
      const octets = await this.#link.exchange(sealed, what);
      return protection === undefined ? octets : protection.open(octets);
    } catch (error) {
      this.#over = true;
      throw error;
    }
  }

  /**
   * In a ciphered context RLRQ would carry an InitiateRequest again; meters take it without. Many
   * do not answer at all: closing the connection ends the association too.
   */
  async #release(): Promise<void> {
    const rlrq = encodeAcse({ kind: 'rlrq', reason: 0 });
    try {
      await this.#link.exchange(rlrq, 'RLRQ', LIMITS.dlmsReleaseMs);
    } catch (error) {
      if (!isFault(error)) throw error;
    }
  }
}
