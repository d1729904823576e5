import { describe, expect, it } from 'vitest';
import { calendarProblems } from '../../billing/calendar/lint.ts';
import type { TariffCalendar } from '../../billing/calendar/schema.ts';

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

describe('the calendar linter', () => {
  const base = { holidays: [], restDays: [] };

  it('is content with empty tables for days that never come', () => {
    expect(calendarProblems({ ...nightDay, days: { ...nightDay.days, rest: [] } })).toEqual([]);
  });

  it('names gaps, overlaps and bands that run backwards', () => {
    const problems = calendarProblems({
      ...base,
      days: {
        weekday: [
          ['00:00', '08:00', 'a'],
          ['07:30', '12:00', 'b'],
          ['13:00', '24:00', 'c'],
        ],
        rest: [['10:00', '09:00', 'a']],
      },
    });
    expect(problems.map(({ at, message }) => `${at}: ${message}`)).toEqual([
      'days/weekday: overlap from 07:30 to 08:00 at band 07:30-12:00 b',
      'days/weekday: gap from 12:00 to 13:00',
      'days/rest: band 10:00-09:00 a is empty or runs backwards',
      'days/rest: gap from 00:00 to 24:00',
    ]);
  });

  it('misses the tables of day types that will come', () => {
    const problems = calendarProblems({
      ...nightDay,
      holidays: ['2026-01-01'],
      holidayType: 'feast',
      restDays: [7],
    });
    expect(problems.map((p) => p.message)).toEqual([
      "has no table for day type 'rest'",
      "has no table for day type 'feast'",
    ]);
  });

  it('finds false dates, false zones and weekdays given twice', () => {
    const problems = calendarProblems({
      ...nightDay,
      zone: 'Europe/Atlantis',
      holidays: ['2026-02-30'],
      dayTypes: { weekday: [1, 2], other: [2] },
    });
    expect(problems.map(({ at }) => at)).toEqual(['zone', 'holidays/0', 'dayTypes/other', 'days']);
  });

  it('finds seasons that overlap or leave part of the year', () => {
    const days = nightDay.days ?? {};
    const season = (name: string, from: string, to: string) => ({ name, from, to, days });
    const found = (...seasons: ReturnType<typeof season>[]) =>
      calendarProblems({ ...base, seasons }).map(({ message }) => message);
    expect(found(season('s', '04-01', '10-01'), season('w', '10-01', '04-01'))).toEqual([]);
    expect(found(season('s', '04-01', '10-02'), season('w', '10-01', '04-01'))).toEqual([
      'overlap on 10-01: s and w',
    ]);
    expect(found(season('s', '04-01', '10-01'))).toEqual([
      'gap on 01-01, and no `days` to fall back on',
    ]);
    expect(found(season('s', '02-30', '10-01'))).toEqual(["'02-30' is no day"]);
  });
});
