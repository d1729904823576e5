/**
 * One application association, from AARQ to release (Green Book, 9.4.4): who the client is, what
 * was negotiated, whether HLS has passed, and then its services. APDU in, APDU out.
 */
import { timingSafeEqual } from 'node:crypto';
import { Fault, isFault } from '../../../domain/index.ts';
import {
  type Aarq,
  AUTHENTICATION_REQUIRED,
  decodeAcse,
  encodeAcse,
  isAcse,
} from '../../../gateway/protocols/dlms/acse.ts';
import { type ApduOf, decodeApdu, encodeApdu } from '../../../gateway/protocols/dlms/apdu.ts';
import { allows, CONFORMANCE } from '../../../gateway/protocols/dlms/conformance.ts';
import type { MethodDescriptor } from '../../../gateway/protocols/dlms/fields.ts';
import { EXCEPTION_SERVICES } from '../../../gateway/protocols/dlms/messages.ts';
import type { Challenges } from '../../../gateway/protocols/dlms/security/hls.ts';
import type { Data } from '../../../gateway/protocols/dlms/types.ts';
import { type ClientModel, clientOf } from '../clients.ts';
import type { DlmsMeter } from '../meter.ts';
import type { Caller } from '../model.ts';
import { answerHls, isPass3, isReplyToHls } from './hls.ts';
import { PROTECTION_OCTETS, Protection } from './protection.ts';
import { exception, Services } from './services.ts';

/** Diagnostics of the ACSE service user (Green Book, 9.4.2). */
const DIAGNOSTIC = {
  none: 0,
  noReason: 1,
  contextNotSupported: 2,
  titleNotRecognised: 3,
  mechanismNotRecognised: 11,
  mechanismRequired: 12,
  failure: 13,
} as const;
const DLMS_VERSION = 6;
const VAA_LN = 0x0007;
/** Smaller, and not even a register fits. */
const PDU_OCTETS_MIN = 64;
const PDU_OCTETS_MAX = 0xffff;

class Refused extends Error {
  readonly diagnostic: number;
  readonly userInformation: Uint8Array | undefined;
  constructor(diagnostic: number, userInformation?: Uint8Array) {
    super(`refused with diagnostic ${diagnostic}`);
    this.diagnostic = diagnostic;
    this.userInformation = userInformation;
  }
}

interface Open {
  readonly services: Services;
  readonly protection: Protection | undefined;
  /** HLS has not passed yet: only reply_to_HLS is answered. */
  pending: boolean;
}

export class Association {
  readonly #meter: DlmsMeter;
  readonly #clientSap: number;
  readonly #serverSap: number;
  #open: Open | undefined;

  constructor(meter: DlmsMeter, clientSap: number, serverSap: number) {
    this.#meter = meter;
    this.#clientSap = clientSap;
    this.#serverSap = serverSap;
  }

  /** The answer, or undefined when there is none. Whatever comes, it never throws. */
  handle(octets: Uint8Array): Uint8Array | undefined {
    try {
      if (isAcse(octets)) return this.#control(octets);
      return this.#serve(octets);
    } catch (error) {
      if (!isFault(error)) throw error;
      return encodeApdu(this.#complain(error));
    }
  }

  #control(octets: Uint8Array): Uint8Array | undefined {
    const apdu = decodeAcse(octets);
    if (apdu.kind === 'rlrq') {
      this.#countRelease(apdu.userInformation);
      this.#open = undefined;
      return encodeAcse({ kind: 'rlre', reason: 0 });
    }
    if (apdu.kind !== 'aarq') throw new Fault('DLMS_TAG', { tag: apdu.kind, what: 'server' });
    this.#open = undefined;
    const client = clientOf(this.#clientSap);
    if (client === undefined) return undefined; // nobody of that name: silence, as meters do
    try {
      return this.#accept(client, apdu);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      return encodeAcse({
        kind: 'aare',
        applicationContext: client.context,
        result: 1,
        diagnostic: { source: 'acse-service-user', code: error.diagnostic },
        userInformation: error.userInformation,
      });
    }
  }

  /** A ciphered InitiateRequest in the RLRQ has used a counter; whatever it holds, we release. */
  #countRelease(userInformation: Uint8Array | undefined): void {
    if (userInformation === undefined) return;
    try {
      this.#open?.protection?.open(userInformation);
    } catch (error) {
      if (!isFault(error)) throw error;
    }
  }

  #accept(client: ClientModel, aarq: Aarq): Uint8Array {
    if (aarq.applicationContext !== client.context) {
      throw new Refused(DIAGNOSTIC.contextNotSupported);
    }
    this.#checkMechanism(client, aarq);
    const protection = this.#protectionOf(client, aarq);
    const initiate = this.#initiateOf(aarq, protection);
    const offered =
      client.conformance &
      (this.#meter.generalProtection ? ~0 : ~CONFORMANCE['general-protection']);
    const conformance = initiate.proposedConformance & offered;
    if (!allows(conformance, 'get')) {
      throw new Refused(DIAGNOSTIC.noReason, initiateError(2));
    }
    const clientMaxPdu = initiate.clientMaxReceivePduSize || PDU_OCTETS_MAX;
    if (clientMaxPdu < PDU_OCTETS_MIN) throw new Refused(DIAGNOSTIC.noReason, initiateError(3));
    const sToC = protection === undefined ? undefined : this.#meter.challenge();
    this.#openServices({ client, conformance, clientMaxPdu, protection, aarq, sToC });
    const response = encodeApdu({
      kind: 'initiate-response',
      negotiatedQualityOfService: undefined,
      negotiatedDlmsVersion: DLMS_VERSION,
      negotiatedConformance: conformance,
      serverMaxReceivePduSize: this.#meter.maxPduOctets,
      vaaName: VAA_LN,
    });
    return encodeAcse({
      kind: 'aare',
      applicationContext: client.context,
      result: 0,
      diagnostic: {
        source: 'acse-service-user',
        code: sToC === undefined ? DIAGNOSTIC.none : AUTHENTICATION_REQUIRED,
      },
      ...(sToC !== undefined && {
        respondingApTitle: this.#meter.secrets.systemTitle,
        acseRequirements: Uint8Array.of(0x07, 0x80),
        mechanism: client.mechanism,
        authenticationValue: sToC,
      }),
      userInformation: protection?.seal(response, 'service') ?? response,
    });
  }

  #checkMechanism(client: ClientModel, aarq: Aarq): void {
    const mechanism = aarq.mechanism ?? 'lowest';
    if (mechanism !== client.mechanism) {
      throw new Refused(
        mechanism === 'lowest' ? DIAGNOSTIC.mechanismRequired : DIAGNOSTIC.mechanismNotRecognised,
      );
    }
    const given = aarq.authenticationValue ?? new Uint8Array(0);
    if (mechanism === 'low' && !equal(given, this.#meter.secrets.password)) {
      throw new Refused(DIAGNOSTIC.failure);
    }
    if (mechanism === 'high-gmac' && (given.length < 8 || given.length > 64)) {
      throw new Refused(DIAGNOSTIC.failure);
    }
  }

  #protectionOf(client: ClientModel, aarq: Aarq): Protection | undefined {
    if (client.context === 'LN') return undefined;
    if (aarq.callingApTitle?.length !== 8) throw new Refused(DIAGNOSTIC.titleNotRecognised);
    return new Protection(this.#meter, new Uint8Array(aarq.callingApTitle));
  }

  #initiateOf(aarq: Aarq, protection: Protection | undefined): ApduOf<'initiate-request'> {
    const octets = aarq.userInformation;
    if (octets === undefined) throw new Refused(DIAGNOSTIC.noReason);
    let plain: Uint8Array;
    try {
      plain = protection === undefined ? octets : protection.open(octets);
    } catch (error) {
      if (isFault(error, 'DLMS_REPLAY') || !isFault(error)) throw error;
      throw new Refused(DIAGNOSTIC.failure);
    }
    protection?.markAarq();
    const apdu = decodeApdu(plain);
    if (apdu.kind !== 'initiate-request') throw new Refused(DIAGNOSTIC.noReason);
    if (apdu.proposedDlmsVersion < DLMS_VERSION) {
      throw new Refused(DIAGNOSTIC.noReason, initiateError(1));
    }
    return apdu;
  }

  #openServices(input: {
    readonly client: ClientModel;
    readonly conformance: number;
    readonly clientMaxPdu: number;
    readonly protection: Protection | undefined;
    readonly aarq: Aarq;
    readonly sToC: Uint8Array | undefined;
  }): void {
    const { client, protection, aarq, sToC, clientMaxPdu } = input;
    const caller: Caller = {
      role: client.role,
      clientSap: this.#clientSap,
      serverSap: this.#serverSap,
      conformance: input.conformance,
      clientMaxPdu,
      clientTitle: protection?.clientTitle,
    };
    const wire = Math.min(clientMaxPdu, this.#meter.maxPduOctets);
    const plainMax = protection === undefined ? wire : wire - PROTECTION_OCTETS;
    const cToS = new Uint8Array(aarq.authenticationValue ?? []);
    const own = (method: MethodDescriptor, parameters: Data | undefined) =>
      protection === undefined || sToC === undefined || !isReplyToHls(method)
        ? undefined
        : this.#replyToHls(protection, { sent: sToC, received: cToS }, parameters);
    const services = new Services(this.#meter, caller, plainMax, own);
    this.#open = { services, protection, pending: sToC !== undefined };
  }

  /** A wrong answer ends the association. */
  #replyToHls(protection: Protection, challenges: Challenges, parameters: Data | undefined) {
    const answer = answerHls(this.#meter, protection, challenges, parameters);
    if (answer.result !== 'success') this.#open = undefined;
    else if (this.#open !== undefined) this.#open.pending = false;
    return answer;
  }

  #serve(octets: Uint8Array): Uint8Array | undefined {
    const open = this.#open;
    if (open === undefined) return encodeApdu(exception(EXCEPTION_SERVICES.operationNotPossible));
    const { protection } = open;
    const plain = protection === undefined ? octets : protection.open(octets);
    const request = decodeApdu(plain);
    const answer =
      open.pending && !isPass3(request)
        ? exception(EXCEPTION_SERVICES.operationNotPossible)
        : open.services.handle(request);
    if (answer === undefined) return undefined;
    const encoded = encodeApdu(answer);
    // An exception has no ciphered form of its own (Green Book, 9.5).
    if (protection === undefined || answer.kind === 'exception-response') return encoded;
    return protection.seal(encoded);
  }

  #complain(fault: Fault): ReturnType<typeof exception> {
    if (fault.code === 'DLMS_REPLAY') {
      return exception(EXCEPTION_SERVICES.invocationCounterError, this.#meter.clientCounter + 1);
    }
    if (fault.code === 'DLMS_AUTHENTICITY' || fault.code === 'DLMS_SECURITY') {
      return exception(EXCEPTION_SERVICES.decipheringError);
    }
    return exception(EXCEPTION_SERVICES.otherReason);
  }
}

/** ConfirmedServiceError to initiate (Green Book, 9.5): 1 version, 2 conformance, 3 PDU size. */
function initiateError(errorValue: number): Uint8Array {
  return encodeApdu({ kind: 'confirmed-service-error', service: 1, errorClass: 6, errorValue });
}

function equal(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && timingSafeEqual(a, b);
}
