/**
 * The collection plan: what is sent when, and what must hold before a supply is cut. Versioned data;
 * one schema for the checks, editors and the HTTP API. Numbers of the law are the utility's to set.
 */
import { Type } from 'typebox';

const closed = { additionalProperties: false } as const;

const Code = Type.String({ pattern: '^[a-z][a-z0-9_-]{0,39}$' });

const AmountText = Type.String({
  pattern: '^(0|[1-9]\\d{0,11})(\\.\\d{1,4})?$',
  description: "Decimal in quotes, such as '50.00'. Never a number.",
});

const Days = Type.Integer({ minimum: 0, maximum: 365 });

const After = Type.Union([Type.Literal('due_date'), Type.Literal('previous')], {
  description: 'What offsetDays counts from: the oldest overdue due date, or the step before.',
});

const timing = { code: Code, after: After, offsetDays: Days, minAmount: Type.Optional(AmountText) };

const NoticeStep = Type.Object(
  {
    ...timing,
    action: Type.Union([Type.Literal('notice'), Type.Literal('final_notice')]),
    channel: Type.Literal('file'),
  },
  closed,
);

const DisconnectStep = Type.Object(
  {
    ...timing,
    action: Type.Literal('disconnect'),
    noticeAgeMinDays: Type.Integer({ minimum: 1, maximum: 365 }),
    noticeAgeMaxDays: Type.Integer({ minimum: 1, maximum: 365 }),
  },
  closed,
);

const WindowSchema = Type.Object(
  {
    fromHour: Type.Integer({ minimum: 0, maximum: 23 }),
    toHour: Type.Integer({ minimum: 1, maximum: 24 }),
    weekdays: Type.Array(Type.Integer({ minimum: 1, maximum: 7 }), {
      uniqueItems: true,
      minItems: 1,
      maxItems: 7,
    }),
    holidays: Type.Array(Type.String({ pattern: '^\\d{4}-\\d{2}-\\d{2}$' }), { maxItems: 1_000 }),
  },
  { ...closed, description: 'Local hours [from, to), 1 = Monday; a holiday closes its eve too.' },
);

export const HOLD_KINDS = [
  'dispute',
  'arrangement',
  'pledge',
  'bankruptcy',
  'medical',
  'vulnerable',
  'moratorium',
  'other',
] as const;
export type HoldKind = (typeof HOLD_KINDS)[number];
export const HoldKindSchema = Type.Unsafe<HoldKind>(
  Type.Union(HOLD_KINDS.map((kind) => Type.Literal(kind))),
);

export const STEP_SCHEMAS = {
  notice: NoticeStep,
  final_notice: NoticeStep,
  disconnect: DisconnectStep,
} as const;

export const PlanSchema = Type.Object(
  {
    code: Code,
    name: Type.String({ minLength: 1, maxLength: 200 }),
    currency: Type.String({ pattern: '^[A-Z]{3}$' }),
    branches: Type.Optional(
      Type.Array(Type.String({ minLength: 1, maxLength: 100 }), { minItems: 1, maxItems: 1_000 }),
    ),
    minAmount: Type.String({ ...AmountText, description: 'Overdue debt below it is left alone.' }),
    steps: Type.Array(Type.Union([NoticeStep, DisconnectStep]), { minItems: 1, maxItems: 50 }),
    resumeFrom: Type.String({
      ...Code,
      description: 'The step from which a stopped case goes on: its notice period runs again.',
    }),
    window: WindowSchema,
    paymentGraceHours: Type.Integer({ minimum: 0, maximum: 720 }),
    installedDaysMin: Days,
    unknownBreaker: Type.Union([Type.Literal('allow'), Type.Literal('block')], {
      description: 'Whether a breaker that never told its position may be opened.',
    }),
    reconnect: Type.Union([Type.Literal('connect'), Type.Literal('arm')], {
      description: 'arm: the customer closes the circuit at the meter.',
    }),
    reconnectOnHold: Type.Array(HoldKindSchema, { uniqueItems: true, maxItems: 8 }),
  },
  { ...closed, title: 'Meterline collection plan' },
);

export type NoticeStepPlan = Type.Static<typeof NoticeStep>;
export type DisconnectStepPlan = Type.Static<typeof DisconnectStep>;
export type PlanStep = NoticeStepPlan | DisconnectStepPlan;
export type Plan = Type.Static<typeof PlanSchema>;

/** A plan as stored. */
export interface KnownPlan {
  readonly plan: Plan;
  readonly revision: number;
  readonly hash: string;
}

/** Step code of a reconnection in the record of a case; no plan may use it. */
export const RECONNECT_STEP = 'reconnect';
