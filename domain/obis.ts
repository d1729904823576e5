/**
 * OBIS codes, IEC 62056-61: A-B:C.D.E*F. F defaults to 255 ("current value") and is then left out.
 */
export interface Obis {
  readonly a: number;
  readonly b: number;
  readonly c: number;
  readonly d: number;
  readonly e: number;
  readonly f: number;
}

const FULL = /^(\d{1,3})-(\d{1,3}):(\d{1,3})\.(\d{1,3})\.(\d{1,3})(?:[*.](\d{1,3}))?$/;

export function parseObis(text: string): Obis | undefined {
  const match = FULL.exec(text);
  if (match === null) return undefined;
  const [a, b, c, d, e] = [1, 2, 3, 4, 5].map((i) => Number(match[i])) as [
    number,
    number,
    number,
    number,
    number,
  ];
  const f = Number(match[6] ?? 255);
  return [a, b, c, d, e, f].every((part) => part <= 255) ? { a, b, c, d, e, f } : undefined;
}

export function formatObis(obis: Obis): string {
  const head = `${obis.a}-${obis.b}:${obis.c}.${obis.d}.${obis.e}`;
  return obis.f === 255 ? head : `${head}*${obis.f}`;
}

/** The codes this project names (electricity, medium A = 1). */
export const OBIS = {
  importActive: '1-0:1.8.0',
  exportActive: '1-0:2.8.0',
  importReactive: '1-0:3.8.0',
  exportReactive: '1-0:4.8.0',
  loadProfile: '1-0:99.1.0',
  disconnectControl: '0-0:96.3.10',
  gasVolume: '7-0:3.0.0',
  waterVolume: '8-0:1.0.0',
} as const;
