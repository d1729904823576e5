/**
 * What a simulated meter did, in its own append-only file: the judge of every fault test. The
 * system under test never grades itself (reference: durability oracle).
 */
import { closeSync, openSync, readFileSync, writeSync } from 'node:fs';

export type MeterEvent =
  /** An interval the meter measured and means to deliver. */
  | { readonly kind: 'emitted'; readonly start: number; readonly value: number }
  /** The message with these intervals was acknowledged. */
  | { readonly kind: 'acked'; readonly starts: readonly number[] }
  | {
      readonly kind: 'command';
      readonly id: string;
      readonly action: string;
      readonly outcome: string;
    }
  /** The contact really moved. */
  | { readonly kind: 'breaker'; readonly id: string; readonly state: 'open' | 'closed' };

export interface MeterLog {
  append(event: MeterEvent): void;
  close(): void;
}

export function fileLog(path: string): MeterLog {
  const file = openSync(path, 'a');
  return {
    append: (event) => {
      writeSync(file, `${JSON.stringify(event)}\n`);
    },
    close: () => closeSync(file),
  };
}

export function memoryLog(): MeterLog & { readonly events: MeterEvent[] } {
  const events: MeterEvent[] = [];
  return { events, append: (event) => void events.push(event), close: () => {} };
}

export function readLog(path: string): MeterEvent[] {
  const lines = readFileSync(path, 'utf8').split('\n');
  // A meter killed in the middle of a line leaves a torn last one.
  return lines.flatMap((line) => {
    try {
      return line === '' ? [] : [JSON.parse(line) as MeterEvent];
    } catch {
      return [];
    }
  });
}
