/**
 * A management association's protection: every APDU authenticated and encrypted, counters that
 * only grow, answers in the form the client used.
 */
import { Fault } from '../../../domain/index.ts';
import { decodeCiphered, isCiphered } from '../../../gateway/protocols/dlms/security/ciphered.ts';
import { openApdu, sealApdu } from '../../../gateway/protocols/dlms/security/protection.ts';
import type { DlmsMeter } from '../meter.ts';

const AE = { suite: 0, authenticated: true, encrypted: true, broadcastKey: false } as const;
/** Tag, lengths, title, security control, counter and authentication tag of the longest form. */
export const PROTECTION_OCTETS = 36;

export class Protection {
  readonly clientTitle: Uint8Array;
  readonly #meter: DlmsMeter;
  #form: 'service' | 'general' = 'service';
  /** An HLS answer's counter must be above it. */
  counterOfAarq = -1;

  constructor(meter: DlmsMeter, clientTitle: Uint8Array) {
    this.#meter = meter;
    this.clientTitle = clientTitle;
  }

  /** The plain APDU. Throws DLMS_SECURITY, DLMS_AUTHENTICITY or DLMS_REPLAY. */
  open(octets: Uint8Array): Uint8Array {
    if (!isCiphered(octets)) throw new Fault('DLMS_SECURITY', { detail: 'not ciphered' });
    const ciphered = decodeCiphered(octets);
    if (ciphered.kind === 'general-signing' || ciphered.kind === 'general-ciphering') {
      throw new Fault('DLMS_SECURITY', { detail: ciphered.kind });
    }
    const { keys } = this.#meter.secrets;
    const opened = openApdu(ciphered, { keys, systemTitle: this.clientTitle });
    const { authenticated, encrypted, suite } = opened.control;
    if (!authenticated || !encrypted || suite !== 0) {
      throw new Fault('DLMS_SECURITY', { detail: 'policy is authenticated and encrypted' });
    }
    if (Buffer.compare(opened.systemTitle, this.clientTitle) !== 0) {
      throw new Fault('DLMS_SECURITY', { detail: 'system title of another client' });
    }
    this.accept(opened.invocationCounter);
    this.#form = 'systemTitle' in ciphered ? 'general' : 'service';
    return opened.plain;
  }

  /** Throws DLMS_REPLAY. */
  accept(counter: number): void {
    const last = this.#meter.clientCounter;
    if (counter <= last) throw new Fault('DLMS_REPLAY', { given: counter, last });
    this.#meter.clientCounter = counter;
  }

  markAarq(): void {
    this.counterOfAarq = this.#meter.clientCounter;
  }

  nextOwnCounter(): number {
    this.#meter.ownCounter += 1;
    return this.#meter.ownCounter;
  }

  /** @param form InitiateResponse always goes in the service form */
  seal(plain: Uint8Array, form = this.#form): Uint8Array {
    const { keys, systemTitle } = this.#meter.secrets;
    const invocationCounter = this.nextOwnCounter();
    return sealApdu(plain, { keys, systemTitle, invocationCounter, control: AE, form });
  }
}
