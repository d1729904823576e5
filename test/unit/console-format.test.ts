/** Goal: what people read is exact to the digit, and a day is as long as it is at the place. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  addDecimals,
  formatDecimal,
  percentOf,
  sameDecimal,
  shiftPoint,
} from '../../console/src/format/decimal.ts';
import { COMMAND_LOOK } from '../../console/src/format/status.ts';
import {
  addDays,
  dayStartMs,
  intervalTime,
  isRepeated,
  localDate,
} from '../../console/src/format/zone.ts';
import { COMMAND_STATES, formatScaled } from '../../domain/index.ts';

describe('decimal strings', () => {
  it('are grouped with all their digits, far beyond what a float can hold', () => {
    expect(formatDecimal('-12345678901234567890.10', 'en-GB')).toBe(
      '−12,345,678,901,234,567,890.10',
    );
    expect(formatDecimal('1234.50', 'es-ES')).toBe('1.234,50');
    expect(formatDecimal('n/a', 'en-GB')).toBe('n/a');
  });

  it('shift and add exactly', () => {
    fc.assert(
      fc.property(fc.bigInt(), fc.bigInt(), fc.nat(12), (a, b, decimals) => {
        const [x, y] = [formatScaled(a, decimals), formatScaled(b, decimals)];
        expect(addDecimals([x, y])).toBe(formatScaled(a + b, decimals));
        expect(shiftPoint(shiftPoint(x, -3), 3)).toBe(x);
        expect(sameDecimal(x, y)).toBe(a === b);
      }),
    );
    expect(shiftPoint('7', -3)).toBe('0.007');
    expect(sameDecimal('1.50', '1.5')).toBe(true);
    expect(percentOf('0.0511269632')).toBe('5.11269632');
    expect(percentOf('0.10')).toBe('10');
    expect(percentOf('1.00')).toBe('100');
  });
});

describe('days of a place', () => {
  const hours = (zone: string, date: string) =>
    (dayStartMs(zone, addDays(date, 1)) - dayStartMs(zone, date)) / 3_600_000;

  it.each([
    ['Europe/Madrid', '2026-10-25', 25],
    ['Europe/Madrid', '2026-03-29', 23],
    ['Europe/Madrid', '2026-07-01', 24],
    ['Australia/Lord_Howe', '2026-04-05', 24.5],
    ['Australia/Lord_Howe', '2026-10-04', 23.5],
    ['Asia/Kathmandu', '2026-05-05', 24],
    // Midnight itself is skipped.
    ['America/Santiago', '2026-09-06', 23],
    ['Pacific/Kiritimati', '2026-01-01', 24],
  ])('%s %s has %d hours', (zone, date, wanted) => {
    expect(hours(zone, date)).toBe(wanted);
    expect(localDate(zone, dayStartMs(zone, date))).toBe(date);
    expect(localDate(zone, dayStartMs(zone, date) - 1)).toBe(addDays(date, -1));
  });

  it('names the hour that comes twice', () => {
    const twice = Date.parse('2026-10-25T00:15:00Z');
    expect(isRepeated('Europe/Madrid', twice)).toBe(true);
    expect(isRepeated('Europe/Madrid', twice - 3_600_000)).toBe(false);
    expect(intervalTime('Europe/Madrid', twice, 900)).toBe('02:15 CEST–02:30 CEST');
    expect(intervalTime('Europe/Madrid', twice + 3_600_000, 900)).toBe('02:15 CET–02:30 CET');
    expect(intervalTime('Europe/Madrid', twice + 7_200_000, 900)).toBe('03:15–03:30');
  });
});

describe('looks', () => {
  it('every state of a command has one', () => {
    expect(Object.keys(COMMAND_LOOK).sort()).toEqual([...COMMAND_STATES].sort());
  });

  const css = readFileSync(
    resolve(import.meta.dirname, '../../console/src/styles/tokens.css'),
    'utf8',
  );
  const token = (name: string) => {
    const match = new RegExp(`--${name}: light-dark\\((#[0-9a-f]{6}), (#[0-9a-f]{6})\\)`).exec(css);
    if (match === null) throw new Error(`no token ${name}`);
    return [match[1] as string, match[2] as string] as const;
  };
  const luminance = (colour: string) => {
    const [r, g, b] = [1, 3, 5].map((at) => {
      const part = Number.parseInt(colour.slice(at, at + 2), 16) / 255;
      return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    }) as [number, number, number];
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const contrast = (a: string, b: string) => {
    const [dark, light] = [luminance(a), luminance(b)].sort((x, y) => x - y) as [number, number];
    return (light + 0.05) / (dark + 0.05);
  };
  const TEXTS = ['ink', 'ink-2', 'ink-3', 'accent'].flatMap((ink) =>
    ['surface', 'bg', 'sunken', 'select'].map((ground) => [ink, ground, 4.5] as const),
  );
  const BADGES = ['ok', 'info', 'warn', 'danger', 'unknown', 'neutral'].map(
    (look) => [look, `${look}-tint`, 4.5] as const,
  );
  const MARKS = ['q-actual', 'q-estimated', 'q-edited', 'q-suspect', 'q-missing', 'control'].map(
    (mark) => [mark, 'surface', 3] as const,
  );

  it.each([...TEXTS, ...BADGES, ...MARKS])(
    '%s on %s has contrast %d:1 or more',
    (ink, ground, min) => {
      for (const theme of [0, 1] as const) {
        expect(contrast(token(ink)[theme], token(ground)[theme])).toBeGreaterThanOrEqual(min);
      }
    },
  );
});
