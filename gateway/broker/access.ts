/**
 * Who may do what on the embedded broker (threats.md T04): a meter writes its own `up/` topics and
 * reads its own `down/` topics. Everything else, `$SYS` and wildcards included, is closed.
 */
import { isSerial, LIMITS, TOPIC, type UpKind } from '../../domain/index.ts';

export interface PublishLike {
  readonly topic: string;
  readonly qos: number;
  readonly retain: boolean;
  readonly payload: string | Uint8Array;
}

export interface ConnectLike {
  readonly clientId: string;
  readonly username?: string | undefined;
  readonly password?: Uint8Array | undefined;
  readonly will?: PublishLike | undefined;
}

/** CONNACK return codes, MQTT 3.1.1 table 3.1. */
export const CONNACK = {
  identifierRejected: 2,
  serverUnavailable: 3,
  badCredential: 4,
  notAuthorized: 5,
} as const;

export interface Denial {
  readonly denied: string;
}

/** The kind of message a meter may publish, or why it may not. */
export function mayPublish(serial: string, packet: PublishLike): UpKind | Denial {
  const kind = upKindOf(serial, packet.topic);
  if (kind === undefined) return { denied: 'topic is not its own' };
  if (packet.qos > 1) return { denied: 'QoS 2 is not offered' };
  if (packet.retain) return { denied: 'retain is not allowed' };
  if (packet.payload.length > LIMITS.messageBytesMax) return { denied: 'payload is too large' };
  return kind;
}

function upKindOf(serial: string, topic: string): UpKind | undefined {
  if (topic === TOPIC.readings(serial)) return 'readings';
  if (topic === TOPIC.events(serial)) return 'events';
  return topic === TOPIC.reply(serial) ? 'reply' : undefined;
}

export function maySubscribe(serial: string, filter: string): boolean {
  return (
    filter === TOPIC.command(serial) ||
    filter === TOPIC.ack(serial) ||
    filter === everyDown(serial) ||
    filter === `v1/${serial}/down/+`
  );
}

/** Whether a meter that subscribed to these filters hears this topic of its own. */
export function hears(serial: string, filters: ReadonlySet<string>, topic: string): boolean {
  return filters.has(topic) || filters.has(everyDown(serial)) || filters.has(`v1/${serial}/down/+`);
}

function everyDown(serial: string): string {
  return `v1/${serial}/down/#`;
}

/** Why a CONNECT is refused before its secret is looked at; undefined when it is not. */
export function refuseConnect(packet: ConnectLike): { code: number; reason: string } | undefined {
  const { clientId, username, password, will } = packet;
  if (username === undefined || password === undefined) {
    return { code: CONNACK.badCredential, reason: 'no credential' };
  }
  if (!isSerial(username) || clientId !== username) {
    return { code: CONNACK.identifierRejected, reason: 'client id is not the user name' };
  }
  const allowed = will === undefined ? 'events' : mayPublish(username, will);
  if (typeof allowed !== 'string') {
    return { code: CONNACK.notAuthorized, reason: `will: ${allowed.denied}` };
  }
  return undefined;
}
