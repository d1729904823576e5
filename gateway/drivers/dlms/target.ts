/** How a meter is reached and as whom. From the meter directory and the key store. */
import type { GcmKeys } from '../../protocols/dlms/security/gcm.ts';

export type Credentials =
  | { readonly mechanism: 'lowest' }
  | { readonly mechanism: 'low'; readonly password: Uint8Array }
  | {
      /** Suite 0, every APDU authenticated and encrypted. */
      readonly mechanism: 'high-gmac';
      readonly keys: GcmKeys;
      /** Ours; each gateway instance has its own, so that no two send the same (key, IV). */
      readonly clientTitle: Uint8Array;
      /** As shipped; absent = whatever the meter says of itself in the AARE. */
      readonly serverTitle?: Uint8Array | undefined;
    };

export interface DlmsTarget {
  /** Serial, as the readings will name it. */
  readonly meter: string;
  readonly host: string;
  readonly port: number;
  readonly framing: 'wrapper' | 'hdlc';
  /** 16 public, 1 management, others by the maker. */
  readonly clientSap: number;
  /** wPort of the meter, or its upper HDLC address. */
  readonly serverSap: number;
  /** Lower HDLC address; absent = the one-octet form. */
  readonly physical?: number | undefined;
  readonly addressOctets?: 1 | 2 | 4 | undefined;
  readonly credentials: Credentials;
  /** Minutes to add to the meter's local time where its date-times carry no deviation. */
  readonly deviationMinutes?: number | undefined;
  readonly answerMs?: number | undefined;
}

/** Under which counters are kept: one for each key and sender. */
export function counterKey(target: DlmsTarget): string {
  const { credentials, meter } = target;
  if (credentials.mechanism !== 'high-gmac') return meter;
  return `${meter}/${Buffer.from(credentials.clientTitle).toString('hex')}`;
}

export function addressOf({ host, port }: DlmsTarget): string {
  return `${host}:${port}`;
}
