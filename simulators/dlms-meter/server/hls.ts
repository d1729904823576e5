/** HLS with GMAC, passes 3 and 4, on the meter's side (Green Book, 9.2.7.4). */
import { isFault } from '../../../domain/index.ts';
import type { Apdu } from '../../../gateway/protocols/dlms/apdu.ts';
import type { ActionResult, MethodDescriptor } from '../../../gateway/protocols/dlms/fields.ts';
import {
  type Challenges,
  checkHlsAnswer,
  hlsAnswer,
} from '../../../gateway/protocols/dlms/security/hls.ts';
import { octetString } from '../../../gateway/protocols/dlms/shape.ts';
import type { Data } from '../../../gateway/protocols/dlms/types.ts';
import type { DlmsMeter } from '../meter.ts';
import type { Protection } from './protection.ts';

/** The client's answer to our challenge judged, and ours to its. */
export function answerHls(
  meter: DlmsMeter,
  protection: Protection,
  challenges: Challenges,
  parameters: Data | undefined,
): ActionResult {
  if (parameters === undefined) return denied();
  const { keys, systemTitle } = meter.secrets;
  const titles = { own: systemTitle, peer: protection.clientTitle };
  const credentials = { mechanism: 'high-gmac', suite: 0, keys, titles } as const;
  try {
    const answer = octetString.read(parameters);
    const checked = checkHlsAnswer({ ...credentials, invocationCounter: 0 }, challenges, answer);
    // The tag was made before the APDUs around it: its counter lies above that of the AARQ.
    if ((checked.invocationCounter ?? -1) <= protection.counterOfAarq) return denied();
  } catch (error) {
    if (!isFault(error)) throw error;
    return denied();
  }
  const invocationCounter = protection.nextOwnCounter();
  const value = hlsAnswer({ ...credentials, invocationCounter }, challenges);
  return { result: 'success', returned: { data: { type: 'octet-string', value } } };
}

/** reply_to_HLS, perhaps in blocks: only its own first block can open a transfer that goes on. */
export function isPass3(request: Apdu): boolean {
  if (request.kind === 'action-request-with-pblock') return true;
  const begins =
    request.kind === 'action-request-normal' || request.kind === 'action-request-with-first-pblock';
  return begins && isReplyToHls(request.method);
}

export function isReplyToHls({ classId, instance, methodId }: MethodDescriptor): boolean {
  return classId === 15 && instance === '0-0:40.0.0' && methodId === 1;
}

function denied(): ActionResult {
  return { result: 'read-write-denied', returned: undefined };
}
