/** MQTT topics. `v1/<serial>/...`: a meter writes its own `up/` and reads its own `down/` only. */
export const TOPIC = {
  readings: (serial: string) => `v1/${serial}/up/readings`,
  events: (serial: string) => `v1/${serial}/up/events`,
  reply: (serial: string) => `v1/${serial}/up/reply`,
  command: (serial: string) => `v1/${serial}/down/command`,
  /** Our own acknowledgement after the journal's fsync, for meters behind an external broker. */
  ack: (serial: string) => `v1/${serial}/down/ack`,
} as const;

export type UpKind = 'readings' | 'events' | 'reply';

const UP = /^v1\/([A-Za-z0-9_.:-]{1,64})\/up\/(readings|events|reply)$/;

export function parseUpTopic(topic: string): { serial: string; kind: UpKind } | undefined {
  const match = UP.exec(topic);
  return match === null ? undefined : { serial: match[1] as string, kind: match[2] as UpKind };
}
