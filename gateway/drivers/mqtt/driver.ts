/**
 * Messages of MQTT meters on their way in: readings and events go to the journal as they arrived,
 * replies to whoever sent the command. A reply that breaks the schema is journalled too, so that
 * it ends in the quarantine with its raw bytes (promise 8).
 */
import type { Envelope, MeterReply } from '../../../domain/index.ts';
import type { MeterLink } from '../../broker/link.ts';
import { parseReply } from '../../payload/events.ts';

export interface JournalPort {
  /** Resolves after fdatasync; rejects with JOURNAL_FULL (try again) or JOURNAL_FAILED. */
  append(envelope: Envelope): Promise<void>;
}

/** Takes a meter's reply; resolves when it is recorded. A reply may come more than once. */
export type OnReply = (serial: string, reply: MeterReply) => Promise<void>;

export interface MqttDriverPorts {
  readonly link: Pick<MeterLink, 'onUp'>;
  readonly journal: JournalPort;
  readonly onReply: OnReply;
}

/** Call before the link is started. */
export function attachMqttDriver(ports: MqttDriverPorts): void {
  const { link, journal, onReply } = ports;
  link.onUp(async (serial, kind, payload, context) => {
    if (kind === 'reply') {
      const checked = parseReply(payload);
      if ('reply' in checked) return onReply(serial, checked.reply);
    }
    await journal.append({
      source: 'mqtt',
      peer: serial,
      receivedMs: context.receivedMs,
      contentType: 'application/json',
      locator: context.topic,
      raw: payload,
    });
  });
}
