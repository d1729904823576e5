/** The shape of a time-of-use calendar. Part of the tariff document and of its JSON schema. */
import { Type } from 'typebox';

const Time = Type.String({
  pattern: '^([01]\\d|2[0-3]):[0-5]\\d$|^24:00$',
  description: 'Wall-clock time HH:MM; 24:00 is the end of the day.',
});

export const PeriodName = Type.String({
  pattern: '^[A-Za-z][A-Za-z0-9_.-]{0,31}$',
  description: 'Name of a time-of-use period, such as P1, peak or summer.off.',
});

export const DateText = Type.String({
  pattern: '^\\d{4}-\\d{2}-\\d{2}$',
  description: 'Local date, YYYY-MM-DD.',
});

// Written out, for the library's own tuple speaks the dialect before 2020-12 (and OpenAPI 3.1).
const BandSchema = Type.Unsafe<Band>({
  type: 'array',
  description: '[from, to, period], half-open on the wall clock.',
  prefixItems: [Time, Time, PeriodName],
  items: false,
  minItems: 3,
  maxItems: 3,
});

const DayTables = Type.Record(
  Type.String({ pattern: '^[a-z][a-z0-9_]{0,31}$' }),
  Type.Array(BandSchema, { maxItems: 96 }),
  { description: 'Bands by day type. Each day type in use covers 00:00 to 24:00 once.' },
);

const Weekdays = Type.Array(Type.Integer({ minimum: 1, maximum: 7 }), {
  uniqueItems: true,
  maxItems: 7,
  description: 'ISO weekdays, 1 = Monday.',
});

const Season = Type.Object(
  {
    name: PeriodName,
    from: Type.String({ pattern: '^\\d{2}-\\d{2}$', description: 'First day, MM-DD.' }),
    to: Type.String({
      pattern: '^\\d{2}-\\d{2}$',
      description: 'Day after the last, MM-DD; before `from` when the season crosses New Year.',
    }),
    days: DayTables,
  },
  { additionalProperties: false },
);

export const CalendarSchema = Type.Object(
  {
    zone: Type.Optional(
      Type.String({
        maxLength: 64,
        description:
          'Zone whose clock the bands and day types are read on, an IANA name, UTC or +HH:MM. ' +
          'Absent: the wall clock where the supply is delivered.',
      }),
    ),
    holidays: Type.Array(DateText, { uniqueItems: true, maxItems: 2_000 }),
    holidayType: Type.Optional(
      Type.String({ description: "Day type of a holiday; 'rest' when absent." }),
    ),
    restDays: Weekdays,
    dayTypes: Type.Optional(
      Type.Record(Type.String({ pattern: '^[a-z][a-z0-9_]{0,31}$' }), Weekdays, {
        description: "Own day types by weekday, such as saturday: [6]; these go before 'rest'.",
      }),
    ),
    days: Type.Optional(DayTables),
    seasons: Type.Optional(
      Type.Array(Season, {
        maxItems: 24,
        description: 'Tables by time of year; `days` holds on dates that no season covers.',
      }),
    ),
  },
  { additionalProperties: false },
);

/** [from, to, period] as 'HH:MM' wall-clock times. */
export type Band = readonly [from: string, to: string, period: string];

export type DayTables = Readonly<Record<string, readonly Band[]>>;

export interface Season {
  readonly name: string;
  /** 'MM-DD', half-open, may cross New Year. */
  readonly from: string;
  readonly to: string;
  readonly days: DayTables;
}

export interface TariffCalendar {
  readonly zone?: string;
  readonly holidays: readonly string[];
  readonly holidayType?: string;
  readonly restDays: readonly number[];
  readonly dayTypes?: Readonly<Record<string, readonly number[]>>;
  readonly days?: DayTables;
  readonly seasons?: readonly Season[];
}
