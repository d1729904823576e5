import { describe, expect, it } from 'vitest';
import {
  addDays,
  daysBetween,
  expectedInPeriod,
  expectedIntervals,
  isLocalDate,
  isZone,
  localDateOf,
  localDays,
  localMidnightMs,
  monthShares,
  offsetSpans,
  weekdayOf,
} from '../../billing/calendar/local.ts';
import type { TariffCalendar } from '../../billing/calendar/schema.ts';
import { buildRateSegments, segmentAt } from '../../billing/calendar/segments.ts';
import { isFault } from '../../domain/index.ts';

const utc = (text: string) => Date.parse(text);

/** 'from to period' in UTC, for reading. */
function shown(calendar: TariffCalendar, zone: string, from: string, to: string): string[] {
  return buildRateSegments(calendar, zone, from, to).map(({ fromMs, toMs, period }) =>
    [fromMs, toMs]
      .map((ms) => new Date(ms).toISOString().slice(5, 16))
      .concat(period)
      .join(' '),
  );
}

const nightDay: TariffCalendar = {
  holidays: [],
  restDays: [],
  days: {
    weekday: [
      ['00:00', '02:30', 'night'],
      ['02:30', '08:30', 'early'],
      ['08:30', '24:00', 'day'],
    ],
  },
};

describe('local days', () => {
  it('are 23, 24 and 25 hours long in Madrid', () => {
    const hours = (from: string) =>
      localDays('Europe/Madrid', from, addDays(from, 1)).map(
        (d) => (d.toMs - d.fromMs) / 3_600_000,
      );
    expect(hours('2026-03-29')).toEqual([23]);
    expect(hours('2026-03-30')).toEqual([24]);
    expect(hours('2026-10-25')).toEqual([25]);
  });

  it('are half an hour off on Lord Howe', () => {
    const zone = 'Australia/Lord_Howe';
    expect(expectedInPeriod(zone, '2026-10-04', '2026-10-05', 1_800)).toBe(47);
    expect(expectedInPeriod(zone, '2026-04-05', '2026-04-06', 1_800)).toBe(49);
    expect(expectedInPeriod(zone, '2026-04-05', '2026-04-06', 900)).toBe(98);
  });

  it('count the intervals of a month over a change: 31 x 96 - 4', () => {
    expect(expectedInPeriod('Europe/Madrid', '2026-03-01', '2026-04-01', 900)).toBe(2_972);
    // 30 x 24 + 1 in New York's November.
    expect(expectedInPeriod('America/New_York', '2026-11-01', '2026-12-01', 3_600)).toBe(721);
  });

  it('put the long day of Santiago on the Saturday', () => {
    const zone = 'America/Santiago';
    expect(expectedInPeriod(zone, '2026-04-04', '2026-04-05', 3_600)).toBe(25);
    expect(expectedInPeriod(zone, '2026-04-05', '2026-04-06', 3_600)).toBe(24);
    // Midnight of 6 September is skipped: the day begins at 01:00 -03, which is 04:00Z.
    expect(localMidnightMs(zone, '2026-09-06')).toBe(utc('2026-09-06T04:00:00Z'));
    expect(expectedInPeriod(zone, '2026-09-06', '2026-09-07', 3_600)).toBe(23);
  });

  it('give every hour of India to one day, though midnight is inside an hour of UTC', () => {
    const days = localDays('Asia/Kolkata', '2026-01-01', '2026-01-04');
    const counts = days.map((day) => expectedIntervals(day.fromMs, day.toMs, 3_600));
    expect(counts).toEqual([24, 24, 24]);
  });

  it('join spans of one offset and cut at the change', () => {
    const zone = 'Europe/Madrid';
    const spans = offsetSpans(zone, utc('2026-03-28T00:00:00Z'), utc('2026-03-30T00:00:00Z'));
    expect(spans.map(({ toMs, offsetMs }) => [toMs, offsetMs])).toEqual([
      [utc('2026-03-29T01:00:00Z'), 3_600_000],
      [utc('2026-03-30T00:00:00Z'), 7_200_000],
    ]);
  });

  it('do their own date arithmetic', () => {
    expect(addDays('2028-02-28', 1)).toBe('2028-02-29');
    expect(daysBetween('2026-03-01', '2026-04-01')).toBe(31);
    expect(weekdayOf('2026-03-19')).toBe(4);
    expect(localDateOf('Australia/Sydney', utc('2026-01-01T13:00:00Z'))).toBe('2026-01-02');
    expect(monthShares('2026-01-15', '2026-03-01')).toEqual([
      { month: '2026-01', days: 17, daysInMonth: 31 },
      { month: '2026-02', days: 28, daysInMonth: 28 },
    ]);
  });

  it('know a date and a zone when they see one', () => {
    expect(['2026-02-29', '2026-13-01', '26-01-01', '2026-1-1'].filter(isLocalDate)).toEqual([]);
    expect(isLocalDate('2028-02-29')).toBe(true);
    expect(['Europe/Madrid', 'UTC', '+10:00'].every(isZone)).toBe(true);
    expect(isZone('Mars/Olympus')).toBe(false);
  });

  it('refuse an empty, a false and an endless period', () => {
    const refused = [
      ['2026-01-01', '2026-01-01'],
      ['2026-02-30', '2026-03-01'],
      ['2026-01-01', '2036-01-01'],
    ] as const;
    for (const [from, to] of refused) {
      expect(() => localDays('UTC', from, to)).toThrow(
        expect.toSatisfy((error) => isFault(error, 'BAD_REQUEST')),
      );
    }
  });
});

describe('rate segments', () => {
  it('let a border in the skipped hour fall on the change', () => {
    // 02:30 does not exist on 29 March: 01:59 CET is night, 03:00 CEST is early.
    expect(shown(nightDay, 'Europe/Madrid', '2026-03-29', '2026-03-30')).toEqual([
      '03-28T23:00 03-29T01:00 night',
      '03-29T01:00 03-29T06:30 early',
      '03-29T06:30 03-29T22:00 day',
    ]);
  });

  it('give the repeated hour to its wall-clock period both times', () => {
    // 02:30 comes at 00:30Z (CEST) and again at 01:30Z (CET); between them it is 02:00 once more.
    expect(shown(nightDay, 'Europe/Madrid', '2026-10-25', '2026-10-26')).toEqual([
      '10-24T22:00 10-25T00:30 night',
      '10-25T00:30 10-25T01:00 early',
      '10-25T01:00 10-25T01:30 night',
      '10-25T01:30 10-25T07:30 early',
      '10-25T07:30 10-25T23:00 day',
    ]);
  });

  it('merge one period across midnight and days of rest', () => {
    const calendar: TariffCalendar = {
      holidays: ['2026-01-02'],
      restDays: [6, 7],
      days: {
        weekday: [
          ['00:00', '08:00', 'off'],
          ['08:00', '20:00', 'peak'],
          ['20:00', '24:00', 'off'],
        ],
        rest: [['00:00', '24:00', 'off']],
      },
    };
    // Thursday, then a holiday Friday, Saturday, Sunday.
    expect(shown(calendar, 'UTC', '2026-01-01', '2026-01-05')).toEqual([
      '01-01T00:00 01-01T08:00 off',
      '01-01T08:00 01-01T20:00 peak',
      '01-01T20:00 01-05T00:00 off',
    ]);
  });

  it('tell weekday, Saturday, Sunday and holiday apart when the calendar does', () => {
    const all = (period: string) => [['00:00', '24:00', period]] as const;
    const calendar: TariffCalendar = {
      holidays: ['2026-01-02'],
      holidayType: 'feast',
      restDays: [7],
      dayTypes: { saturday: [6] },
      days: { weekday: all('w'), saturday: all('s'), rest: all('r'), feast: all('f') },
    };
    expect(shown(calendar, 'UTC', '2026-01-01', '2026-01-06').map((s) => s.slice(-1))).toEqual([
      ...['w', 'f', 's', 'r', 'w'],
    ]);
  });

  it('change season at local midnight, over New Year too', () => {
    const all = (period: string) => ({ weekday: [['00:00', '24:00', period]] }) as const;
    const calendar: TariffCalendar = {
      holidays: [],
      restDays: [],
      days: all('mild'),
      seasons: [{ name: 'winter', from: '11-01', to: '03-01', days: all('cold') }],
    };
    expect(shown(calendar, 'America/New_York', '2026-02-27', '2026-03-03')).toEqual([
      '02-27T05:00 03-01T05:00 cold',
      '03-01T05:00 03-03T05:00 mild',
    ]);
    expect(shown(calendar, 'UTC', '2026-10-31', '2027-01-05')).toEqual([
      '10-31T00:00 11-01T00:00 mild',
      '11-01T00:00 01-05T00:00 cold',
    ]);
  });

  it('can be read on another clock than the wall', () => {
    // Sydney is UTC+11 in January: its day runs from 13:00Z, which is 23:00 in market time.
    const calendar: TariffCalendar = {
      zone: '+10:00',
      holidays: [],
      restDays: [],
      days: {
        weekday: [
          ['00:00', '12:00', 'a'],
          ['12:00', '24:00', 'b'],
        ],
      },
    };
    expect(shown(calendar, 'Australia/Sydney', '2026-01-02', '2026-01-03')).toEqual([
      '01-01T13:00 01-01T14:00 b',
      '01-01T14:00 01-02T02:00 a',
      '01-02T02:00 01-02T13:00 b',
    ]);
  });

  it.each(['Europe/Madrid', 'America/Santiago', 'Australia/Lord_Howe', 'Africa/Casablanca'])(
    'cover three years of %s in order, without gap or overlap, and agree with the wall clock',
    (zone) => {
      const segments = buildRateSegments(nightDay, zone, '2025-01-01', '2028-01-01');
      expect(segments[0]?.fromMs).toBe(localMidnightMs(zone, '2025-01-01'));
      expect(segments.at(-1)?.toMs).toBe(localMidnightMs(zone, '2028-01-01'));
      const wall = new Intl.DateTimeFormat('en-GB', {
        timeZone: zone,
        hour: '2-digit',
        minute: '2-digit',
        hourCycle: 'h23',
      });
      segments.forEach((segment, index) => {
        const before = segments[index - 1];
        if (before !== undefined) expect(before.toMs).toBe(segment.fromMs);
        if (before !== undefined) expect(before.period).not.toBe(segment.period);
        for (const instant of [segment.fromMs, segment.toMs - 60_000]) {
          const time = wall.format(instant);
          const period = time < '02:30' ? 'night' : time < '08:30' ? 'early' : 'day';
          expect(`${time} ${segment.period}`).toBe(`${time} ${period}`);
        }
      });
    },
  );

  it('find the segment of an instant', () => {
    const segments = buildRateSegments(nightDay, 'UTC', '2026-01-01', '2026-01-02');
    const at = (text: string) => segmentAt(segments, utc(text))?.period;
    expect(at('2026-01-01T02:29:59Z')).toBe('night');
    expect(at('2026-01-01T02:30:00Z')).toBe('early');
    expect(at('2026-01-02T00:00:00Z')).toBeUndefined();
    expect(at('2025-12-31T23:59:00Z')).toBeUndefined();
  });

  it('refuse a calendar that forgets an hour', () => {
    const leaky: TariffCalendar = {
      holidays: [],
      restDays: [],
      days: { weekday: [['00:00', '23:00', 'x']] },
    };
    expect(() => buildRateSegments(leaky, 'UTC', '2026-01-01', '2026-01-02')).toThrow(
      /no single period holds at 2026-01-01T23:00:00/,
    );
  });
});
