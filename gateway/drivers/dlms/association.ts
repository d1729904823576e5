/**
 * Opening and releasing an association (Green Book, 9.4.4): AARQ, what the meter grants, HLS.
 */
import { Fault, type RandomBytes } from '../../../domain/index.ts';
import {
  type Aare,
  type Aarq,
  ASSOCIATION_RESULTS,
  AUTHENTICATION_REQUIRED,
  decodeAcse,
  encodeAcse,
  isAcse,
} from '../../protocols/dlms/acse.ts';
import { type ApduOf, decodeApdu, encodeApdu } from '../../protocols/dlms/apdu.ts';
import { allows, conformanceOf } from '../../protocols/dlms/conformance.ts';
import { EXCEPTION_SERVICES } from '../../protocols/dlms/messages.ts';
import { checkHlsAnswer, hlsAnswer } from '../../protocols/dlms/security/hls.ts';
import { octetString } from '../../protocols/dlms/shape.ts';
import type { ApduLink } from './links.ts';
import type { ClientProtection } from './protection.ts';
import type { DlmsTarget } from './target.ts';

export interface Negotiated {
  readonly conformance: number;
  /** Largest APDU the meter takes, as sent; 0 = no bound. */
  readonly serverMaxPdu: number;
}

const READS = [
  'get',
  'block-transfer-with-get-or-read',
  'multiple-references',
  'selective-access',
] as const;
const WRITES = [
  'set',
  'action',
  'block-transfer-with-set-or-write',
  'block-transfer-with-action',
] as const;
const PROPOSED = conformanceOf([...READS, ...WRITES]);
const PROPOSED_CIPHERED = conformanceOf([...READS, ...WRITES, 'general-protection']);
const CLIENT_MAX_PDU = 0xffff;
const CHALLENGE_OCTETS = 16;

/** Reasons a meter gives (Green Book, 9.4.2, ACSE service user). */
const DIAGNOSTICS: Readonly<Record<number, string>> = {
  1: 'no reason given',
  2: 'application context not supported',
  3: 'calling AP title not recognised',
  11: 'mechanism not recognised',
  12: 'mechanism required',
  13: 'authentication failure',
  14: 'authentication required',
};

/** AARQ and AARE. Throws DLMS_REFUSED, DLMS_COUNTER, DLMS_EXCEPTION, DLMS_ANSWER. */
export async function associate(
  link: ApduLink,
  target: DlmsTarget,
  protection: ClientProtection | undefined,
  random: RandomBytes,
): Promise<{ negotiated: Negotiated; challenges: { sent: Uint8Array; received: Uint8Array } }> {
  const sent = random(CHALLENGE_OCTETS);
  const aarq = await buildAarq(target, protection, sent);
  const answer = await link.exchange(encodeAcse(aarq), 'AARQ');
  if (!isAcse(answer)) throw refusedWithout(answer, protection);
  const aare = decodeAcse(answer);
  if (aare.kind !== 'aare') throw new Fault('DLMS_ANSWER', { what: 'AARQ', got: aare.kind });
  judge(aare, protection);
  protection?.meet(aare.respondingApTitle);
  const initiate = initiateIn(aare, protection);
  const conformance = initiate.negotiatedConformance;
  if (protection !== undefined && allows(conformance, 'general-protection')) {
    protection.form = 'general';
  }
  return {
    negotiated: { conformance, serverMaxPdu: initiate.serverMaxReceivePduSize },
    challenges: { sent, received: new Uint8Array(aare.authenticationValue ?? []) },
  };
}

async function buildAarq(
  target: DlmsTarget,
  protection: ClientProtection | undefined,
  challenge: Uint8Array,
): Promise<Aarq> {
  const { credentials } = target;
  const initiate = encodeApdu({
    kind: 'initiate-request',
    dedicatedKey: undefined,
    responseAllowed: true,
    proposedQualityOfService: undefined,
    proposedDlmsVersion: 6,
    proposedConformance: protection === undefined ? PROPOSED : PROPOSED_CIPHERED,
    clientMaxReceivePduSize: CLIENT_MAX_PDU,
  });
  if (credentials.mechanism === 'lowest') {
    return { kind: 'aarq', applicationContext: 'LN', userInformation: initiate };
  }
  const asked = { acseRequirements: Uint8Array.of(0x07, 0x80), mechanism: credentials.mechanism };
  if (credentials.mechanism === 'low') {
    const authenticationValue = credentials.password;
    const applicationContext = 'LN';
    const userInformation = initiate;
    return { kind: 'aarq', applicationContext, ...asked, authenticationValue, userInformation };
  }
  return {
    kind: 'aarq',
    applicationContext: 'LN-ciphered',
    callingApTitle: credentials.clientTitle,
    ...asked,
    authenticationValue: challenge,
    userInformation: await protection?.seal(initiate, 'service'),
  };
}

function judge(aare: Aare, protection: ClientProtection | undefined): void {
  const { result, diagnostic } = aare;
  const pending = diagnostic.code === AUTHENTICATION_REQUIRED;
  const granted = result === ASSOCIATION_RESULTS.accepted;
  if (granted && pending === (protection !== undefined)) return;
  const reason = DIAGNOSTICS[diagnostic.code] ?? `diagnostic ${diagnostic.code}`;
  const detail = granted ? `accepted, but ${pending ? '' : 'no '}authentication asked` : reason;
  throw new Fault('DLMS_REFUSED', { detail, diagnostic: diagnostic.code });
}

function initiateIn(
  aare: Aare,
  protection: ClientProtection | undefined,
): ApduOf<'initiate-response'> {
  const octets = aare.userInformation;
  if (octets === undefined) throw new Fault('DLMS_REFUSED', { detail: 'no InitiateResponse' });
  const apdu = decodeApdu(protection === undefined ? octets : protection.open(octets));
  if (apdu.kind === 'initiate-response') return apdu;
  throw new Fault('DLMS_ANSWER', { what: 'InitiateRequest', got: apdu.kind });
}

/** Not even an AARE: an exception says why, perhaps with the counter the meter wants to see. */
function refusedWithout(answer: Uint8Array, protection: ClientProtection | undefined): Fault {
  const apdu = decodeApdu(answer);
  if (apdu.kind !== 'exception-response') {
    return new Fault('DLMS_ANSWER', { what: 'AARQ', got: apdu.kind });
  }
  return exceptionFault('AARQ', apdu, protection);
}

export function exceptionFault(
  what: string,
  { stateError, serviceError }: ApduOf<'exception-response'>,
  protection: ClientProtection | undefined,
): Fault {
  const { code, invocationCounter } = serviceError;
  if (code === EXCEPTION_SERVICES.invocationCounterError && protection !== undefined) {
    return new Fault('DLMS_COUNTER', { expected: invocationCounter, given: protection.lastSent });
  }
  const names = Object.entries(EXCEPTION_SERVICES);
  const name = names.find(([, value]) => value === code)?.[0] ?? `code ${code}`;
  return new Fault('DLMS_EXCEPTION', { what, detail: `state ${stateError}, ${name}` });
}

/** Pass 3: our answer to the meter's challenge, to go into reply_to_HLS. */
export async function hlsPass3(
  protection: ClientProtection,
  challenges: { readonly sent: Uint8Array; readonly received: Uint8Array },
): Promise<Uint8Array> {
  protection.beginHls();
  const invocationCounter = await protection.nextCounter();
  return hlsAnswer({ ...credentialsOf(protection), invocationCounter }, challenges);
}

/** Pass 4: the meter's answer to ours. Throws DLMS_AUTHENTICITY or DLMS_REPLAY. */
export function hlsPass4(
  protection: ClientProtection,
  challenges: { readonly sent: Uint8Array; readonly received: Uint8Array },
  returned: Parameters<typeof octetString.read>[0] | undefined,
): void {
  if (returned === undefined) throw new Fault('DLMS_AUTHENTICITY', { what: 'missing HLS answer' });
  const credentials = { ...credentialsOf(protection), invocationCounter: 0 };
  const checked = checkHlsAnswer(credentials, challenges, octetString.read(returned));
  if (checked.invocationCounter !== undefined) protection.acceptHls(checked.invocationCounter);
}

function credentialsOf(protection: ClientProtection) {
  const { keys, clientTitle } = protection.credentials;
  const titles = { own: clientTitle, peer: protection.serverTitle };
  return { mechanism: 'high-gmac', suite: 0, keys, titles } as const;
}
