/** The client's side of a ciphered association: counters before sending, checks after receiving. */
import { Fault } from '../../../domain/index.ts';
import { decodeCiphered, isCiphered } from '../../protocols/dlms/security/ciphered.ts';
import { acceptInvocationCounter } from '../../protocols/dlms/security/counters.ts';
import { openApdu, sealApdu } from '../../protocols/dlms/security/protection.ts';
import type { Counters } from './counters.ts';
import { type Credentials, counterKey, type DlmsTarget } from './target.ts';

type GmacCredentials = Extract<Credentials, { mechanism: 'high-gmac' }>;

const AE = { suite: 0, authenticated: true, encrypted: true, broadcastKey: false } as const;

/** A plain APDU of an association that must be ciphered: an exception, which has no other form. */
const EXCEPTION_TAG = 0xd8;

export class ClientProtection {
  readonly credentials: GmacCredentials;
  form: 'service' | 'general' = 'service';
  #serverTitle: Uint8Array | undefined;
  readonly #counters: Counters;
  readonly #key: string;
  #lastSent = -1;
  #lastAccepted: number;
  /** Of the AARE: the HLS answer was made later, but before the APDUs that bring it. */
  #acceptedAtHls: number;

  private constructor(
    credentials: GmacCredentials,
    counters: Counters,
    key: string,
    lastAccepted: number,
  ) {
    this.credentials = credentials;
    this.#counters = counters;
    this.#key = key;
    this.#serverTitle = credentials.serverTitle;
    this.#lastAccepted = lastAccepted;
    this.#acceptedAtHls = lastAccepted;
  }

  static async of(target: DlmsTarget, counters: Counters): Promise<ClientProtection | undefined> {
    if (target.credentials.mechanism !== 'high-gmac') return undefined;
    const key = counterKey(target);
    const lastAccepted = await counters.store.lastAccepted(key);
    return new ClientProtection(target.credentials, counters, key, lastAccepted);
  }

  get lastSent(): number {
    return this.#lastSent;
  }

  get serverTitle(): Uint8Array {
    if (this.#serverTitle !== undefined) return this.#serverTitle;
    throw new Fault('DLMS_SECURITY', { detail: 'the meter’s system title is not known' });
  }

  /** As the AARE says; one known from the shipment file must be the same. */
  meet(serverTitle: Uint8Array | undefined): void {
    const known = this.credentials.serverTitle;
    if (serverTitle === undefined) return;
    if (known !== undefined && Buffer.compare(known, serverTitle) !== 0) {
      throw new Fault('DLMS_AUTHENTICITY', { what: 'system title of the meter' });
    }
    this.#serverTitle = new Uint8Array(serverTitle);
  }

  /** A number for one APDU or one HLS answer; durable before it is used. */
  async nextCounter(): Promise<number> {
    this.#lastSent = await this.#counters.next(this.#key);
    return this.#lastSent;
  }

  async seal(plain: Uint8Array, form = this.form): Promise<Uint8Array> {
    const { keys, clientTitle: systemTitle } = this.credentials;
    const invocationCounter = await this.nextCounter();
    return sealApdu(plain, { keys, systemTitle, invocationCounter, control: AE, form });
  }

  /**
   * The plain APDU. An exception may come in clear: it is no more than a refusal. Throws
   * DLMS_AUTHENTICITY, DLMS_REPLAY or DLMS_SECURITY for anything else that is not protected.
   */
  open(octets: Uint8Array): Uint8Array {
    if (octets[0] === EXCEPTION_TAG) return octets;
    if (!isCiphered(octets)) throw new Fault('DLMS_AUTHENTICITY', { what: 'answer in clear' });
    const ciphered = decodeCiphered(octets);
    if (ciphered.kind === 'general-signing' || ciphered.kind === 'general-ciphering') {
      throw new Fault('DLMS_SECURITY', { detail: `answer as ${ciphered.kind}` });
    }
    const { keys } = this.credentials;
    const opened = openApdu(ciphered, { keys, systemTitle: this.serverTitle });
    if (!opened.control.authenticated || !opened.control.encrypted) {
      throw new Fault('DLMS_AUTHENTICITY', { what: 'answer without full protection' });
    }
    if (Buffer.compare(opened.systemTitle, this.serverTitle) !== 0) {
      throw new Fault('DLMS_AUTHENTICITY', { what: 'answer under another system title' });
    }
    this.accept(opened.invocationCounter);
    return opened.plain;
  }

  /** Throws DLMS_REPLAY. */
  accept(counter: number): void {
    this.#lastAccepted = acceptInvocationCounter(this.#lastAccepted, counter);
  }

  beginHls(): void {
    this.#acceptedAtHls = this.#lastAccepted;
  }

  /** The counter of an HLS answer, below or above that of the APDU around it. */
  acceptHls(counter: number): void {
    acceptInvocationCounter(this.#acceptedAtHls, counter);
    this.#lastAccepted = Math.max(this.#lastAccepted, counter);
  }

  /** What was accepted is remembered for the next session. */
  async remember(): Promise<void> {
    await this.#counters.store.accepted(this.#key, this.#lastAccepted);
  }
}
