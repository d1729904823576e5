/**
 * The public JSON payload as JSON Schema: what the API documents, and what checks.ts enforces by
 * hand on the hot path. A property test holds the two against each other.
 *
 * A value is a whole count of 10^-decimals of the unit, as a JSON integer or a decimal-integer
 * string, never a fraction; null says that the source has no value. An interval is named by its
 * start, a register read by its instant.
 */
import { Type } from 'typebox';
import { LIMITS, parseInstant } from '../../domain/index.ts';
import { FLAG_NAMES } from '../../domain/quality.ts';

/** A meter's serial, also its MQTT user name and client id. */
export const SERIAL_PATTERN = '^[A-Za-z0-9_.:-]{1,64}$';
/** An OBIS code or a market's stream name. */
export const CHANNEL_PATTERN = '^[A-Za-z0-9][A-Za-z0-9_.:*-]{0,31}$';
export const UNIT_PATTERN = '^[A-Za-z0-9\u00b3]{1,8}$';
export const EVENT_CODE_PATTERN = '^[A-Z][A-Z0-9_]{0,39}$';

/** The two formats JSON Schema has no words for. Register them with a validator. */
export const PAYLOAD_FORMATS: Readonly<Record<string, (text: string) => boolean>> = {
  'date-time': (text) => parseInstant(text) !== undefined,
  'safe-integer': (text) => /^-?[0-9]{1,16}$/.test(text) && Number.isSafeInteger(Number(text)),
};

const STRICT = { additionalProperties: false };

const Instant = Type.String({
  format: 'date-time',
  description: 'ISO 8601 with an explicit zone; a time without zone is refused',
});

const CountSchema = Type.Union(
  [
    Type.Integer({ minimum: -LIMITS.valueMax, maximum: LIMITS.valueMax }),
    Type.String({ format: 'safe-integer', pattern: '^-?[0-9]{1,16}$' }),
  ],
  { description: 'A whole count of 10^-decimals of the unit' },
);

const Scale = {
  channel: Type.String({ pattern: CHANNEL_PATTERN, examples: ['1-0:1.8.0'] }),
  unit: Type.Optional(
    Type.String({ pattern: UNIT_PATTERN, description: 'checked against the channel' }),
  ),
  decimals: Type.Optional(
    Type.Integer({
      minimum: 0,
      maximum: LIMITS.payloadDecimalsMax,
      description: 'absent = the resolution of the channel',
    }),
  ),
};

const Flags = Type.Array(Type.Union(FLAG_NAMES.map((name) => Type.Literal(name))), {
  maxItems: FLAG_NAMES.length,
});

const intervalFields = {
  ...Scale,
  start: Instant,
  interval_s: Type.Integer({ minimum: 1, maximum: LIMITS.payloadIntervalSMax }),
  values: Type.Array(Type.Union([CountSchema, Type.Null()]), {
    minItems: 1,
    maxItems: LIMITS.messageReadingsMax,
    description: 'consecutive intervals from start; null = the source has none',
  }),
  flags: Type.Optional(
    Type.Array(Flags, {
      maxItems: LIMITS.messageReadingsMax,
      description: 'as many lists as values',
    }),
  ),
};

const registerFields = { ...Scale, at: Instant, register: CountSchema };
const meter = { meter: Type.String({ pattern: SERIAL_PATTERN }) };

/** One entry of `readings` in a meter's own message. */
const MqttRecordSchema = Type.Union([
  Type.Object(intervalFields, { ...STRICT, title: 'Intervals' }),
  Type.Object(registerFields, { ...STRICT, title: 'RegisterRead' }),
]);

/** One entry of a head-end push, or one line of NDJSON: it names its meter. */
export const PushRecordSchema = Type.Union([
  Type.Object({ ...meter, ...intervalFields }, { ...STRICT, title: 'MeterIntervals' }),
  Type.Object({ ...meter, ...registerFields }, { ...STRICT, title: 'MeterRegisterRead' }),
]);

const messageFields = {
  meter: Type.Optional(Type.String({ pattern: SERIAL_PATTERN })),
  sent_at: Type.Optional(Instant),
};

/** `v1/<serial>/up/readings`. */
export const ReadingsMessageSchema = Type.Object(
  {
    ...messageFields,
    readings: Type.Array(MqttRecordSchema, { minItems: 1, maxItems: LIMITS.messageReadingsMax }),
  },
  { ...STRICT, title: 'ReadingsMessage' },
);

/** `v1/<serial>/up/events`. */
export const EventsMessageSchema = Type.Object(
  {
    ...messageFields,
    events: Type.Array(
      Type.Object(
        {
          at: Instant,
          code: Type.String({ pattern: EVENT_CODE_PATTERN, examples: ['TAMPER'] }),
          detail: Type.Optional(Type.String({ maxLength: LIMITS.eventDetailCharsMax })),
        },
        STRICT,
      ),
      { minItems: 1, maxItems: LIMITS.messageReadingsMax },
    ),
  },
  { ...STRICT, title: 'EventsMessage' },
);

const Relay = Type.Union(
  (['open', 'closed', 'ready', 'unknown'] as const).map((state) => Type.Literal(state)),
);

/** `v1/<serial>/up/reply`: what a meter answers to a command (domain/command MeterReply). */
export const ReplySchema = Type.Object(
  {
    id: Type.String({ minLength: 1, maxLength: LIMITS.serialCharsMax }),
    outcome: Type.Union(
      (['accepted', 'done', 'refused', 'expired', 'duplicate'] as const).map((outcome) =>
        Type.Literal(outcome),
      ),
    ),
    output: Type.Optional(Relay),
    control: Type.Optional(Relay),
    reason: Type.Optional(Type.String({ maxLength: LIMITS.eventDetailCharsMax })),
    at: Instant,
  },
  { ...STRICT, title: 'MeterReply' },
);

/** `POST /v1/readings` as JSON; as NDJSON every line is one PushRecordSchema. */
export const PushBodySchema = Type.Object(
  {
    readings: Type.Array(PushRecordSchema, { minItems: 1, maxItems: LIMITS.pushReadingsMax }),
  },
  { ...STRICT, title: 'ReadingsPush' },
);
