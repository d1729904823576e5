/**
 * The tariff document: one schema for the checks, the JSON schema given to editors, and the HTTP API.
 * A charge is a tagged union by `kind`; a new kind is a new member here and a new pricer in rating/.
 */
import { Type } from 'typebox';
import { CalendarSchema, DateText, PeriodName, type TariffCalendar } from '../calendar/schema.ts';

/** As many digits as stay exact with a billed quantity at 40 digits of working precision. */
export const DECIMAL_PATTERN = '^-?(0|[1-9]\\d{0,11})(\\.\\d{1,20})?$';

const DecimalText = Type.String({
  pattern: DECIMAL_PATTERN,
  description: "Exact decimal in quotes, such as '0.187654'. Never a number.",
});

const Code = Type.String({ pattern: '^[A-Za-z][A-Za-z0-9_.-]{0,63}$' });
const Text = Type.String({ minLength: 1, maxLength: 200 });
const Tags = Type.Array(Code, { uniqueItems: true, maxItems: 20 });
const Direction = Type.Union([Type.Literal('import'), Type.Literal('export')]);

const common = {
  code: Code,
  description: Type.Optional(Text),
  price: DecimalText,
  tags: Tags,
};

const metered = {
  direction: Type.Optional(Direction),
  factor: Type.Optional(DecimalText),
};

const closed = { additionalProperties: false } as const;

export const CHARGE_SCHEMAS = {
  tou: Type.Object(
    { kind: Type.Literal('tou'), ...common, ...metered, period: PeriodName },
    { ...closed, description: 'Energy of one time-of-use period x price.' },
  ),
  energy: Type.Object(
    { kind: Type.Literal('energy'), ...common, ...metered },
    { ...closed, description: 'All energy x price, whatever the time.' },
  ),
  per_day: Type.Object(
    { kind: Type.Literal('per_day'), ...common },
    { ...closed, description: 'Local days x price.' },
  ),
  per_kw_day: Type.Object(
    {
      kind: Type.Literal('per_kw_day'),
      ...common,
      kw: Type.Union([DecimalText, Type.Object({ contract: Code }, closed)], {
        description: 'Contracted power: a literal, or the name of a figure in the agreement.',
      }),
    },
    { ...closed, description: 'Contracted kW x local days x price.' },
  ),
  per_month: Type.Object(
    {
      kind: Type.Literal('per_month'),
      ...common,
      proration: Type.Union(
        [Type.Literal('actual_days'), Type.Literal('days_30'), Type.Literal('none')],
        {
          description:
            'actual_days: days / days of that calendar month, month by month. days_30: days / 30. ' +
            'none: once a billing period, by the version that holds on its first day.',
        },
      ),
    },
    { ...closed, description: 'Months x price.' },
  ),
} as const;

const TaxSchema = Type.Object(
  {
    code: Code,
    description: Type.Optional(Text),
    rate: DecimalText,
    base: Type.Array(Code, { uniqueItems: true, minItems: 1, maxItems: 50 }),
    tag: Type.Optional(Code),
  },
  {
    ...closed,
    description:
      'rate x (rounded lines and earlier taxes that carry a tag of `base`); `tag` lets a later tax ' +
      'take this one into its base.',
  },
);

const VersionSchema = Type.Object(
  {
    from: DateText,
    to: Type.Optional(Type.Union([DateText, Type.Null()])),
    calendar: Type.Optional(CalendarSchema),
    charges: Type.Array(Type.Union(Object.values(CHARGE_SCHEMAS)), { minItems: 1, maxItems: 500 }),
    taxes: Type.Array(TaxSchema, { maxItems: 50 }),
    dueDays: Type.Integer({ minimum: 0, maximum: 365 }),
  },
  { ...closed, description: 'What holds on the local dates [from, to); no `to` = until further.' },
);

const RoundingSchema = Type.Object(
  {
    mode: Type.Union([Type.Literal('HALF_UP'), Type.Literal('HALF_EVEN'), Type.Literal('DOWN')]),
    place: Type.Literal('line'),
  },
  closed,
);

export const TariffSchema = Type.Object(
  {
    code: Code,
    name: Text,
    currency: Type.String({ pattern: '^[A-Z]{3}$' }),
    minorDigits: Type.Integer({ minimum: 0, maximum: 4 }),
    rounding: RoundingSchema,
    versions: Type.Array(VersionSchema, { minItems: 1, maxItems: 200 }),
  },
  { ...closed, title: 'Meterline tariff' },
);

export type ChannelDirection = Type.Static<typeof Direction>;
export type ChargeKind = keyof typeof CHARGE_SCHEMAS;
export type ChargeOf<K extends ChargeKind> = Type.Static<(typeof CHARGE_SCHEMAS)[K]>;
export type Charge = { [K in ChargeKind]: ChargeOf<K> }[ChargeKind];
/** A charge whose quantity is a sum of intervals. */
export type MeteredCharge = ChargeOf<'tou' | 'energy'>;
export type TaxStep = Type.Static<typeof TaxSchema>;
export type Rounding = Type.Static<typeof RoundingSchema>;

export interface TariffVersion {
  readonly from: string;
  readonly to?: string | null;
  readonly calendar?: TariffCalendar;
  readonly charges: readonly Charge[];
  readonly taxes: readonly TaxStep[];
  readonly dueDays: number;
}

export interface Tariff {
  readonly code: string;
  readonly name: string;
  readonly currency: string;
  readonly minorDigits: number;
  readonly rounding: Rounding;
  /** Sorted by `from`, touching each other. */
  readonly versions: readonly TariffVersion[];
}

export function isMetered(charge: Charge): charge is MeteredCharge {
  return charge.kind === 'tou' || charge.kind === 'energy';
}

export function directionOf(charge: MeteredCharge): ChannelDirection {
  return charge.direction ?? 'import';
}

/** JSON Schema 2020-12 of a tariff document, for editors and other programs. */
export const tariffJsonSchema: Readonly<Record<string, unknown>> = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  $id: 'urn:meterline:schema:tariff:1',
  ...(JSON.parse(JSON.stringify(TariffSchema)) as Record<string, unknown>),
};
