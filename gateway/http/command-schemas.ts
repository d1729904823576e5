/** Bodies, queries and answers of the command routes. */
import { Type } from 'typebox';
import { approvalPayloadOf, type Command, type CommandEvent } from '../../db/command-rows.ts';
import { ORDERABLE } from '../../db/commands.ts';
import type { KillSwitch } from '../../db/control.ts';
import { COMMAND_STATES, formatInstant, LIMITS } from '../../domain/index.ts';

const REASON_CHARS_MAX = 500;
const Reason = Type.String({ minLength: 1, maxLength: REASON_CHARS_MAX });
const Instant = Type.String({ maxLength: 40, description: 'ISO 8601 with zone' });
const Breaker = Type.Union([Type.Literal('open'), Type.Literal('closed'), Type.Literal('ready')]);

export const CommandBody = Type.Object(
  {
    meter: Type.String({ minLength: 1, maxLength: LIMITS.serialCharsMax }),
    action: Type.Union(ORDERABLE.map((action) => Type.Literal(action))),
    reason: Reason,
    notBefore: Type.Optional(Instant),
    notAfter: Type.Optional(Instant),
    evidence: Type.Optional(Type.Record(Type.String({ maxLength: 100 }), Type.Unknown())),
  },
  { additionalProperties: false },
);

export const CommandParams = Type.Object({
  id: Type.String({ pattern: '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' }),
});

export const CommandQuery = Type.Object(
  {
    state: Type.Optional(Type.Union(COMMAND_STATES.map((state) => Type.Literal(state)))),
    meter: Type.Optional(Type.String({ minLength: 1, maxLength: LIMITS.serialCharsMax })),
    cursor: Type.Optional(CommandParams.properties.id),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: LIMITS.httpPageRowsMax })),
  },
  { additionalProperties: false },
);

export const ApprovalBody = Type.Object(
  {
    keyId: Type.String({ minLength: 1, maxLength: 200 }),
    signature: Type.String({ minLength: 1, maxLength: 200, description: 'Ed25519, base64' }),
  },
  { additionalProperties: false },
);

export const CancelBody = Type.Object({ reason: Reason }, { additionalProperties: false });

export const SettlementBody = Type.Object(
  {
    outcome: Type.Union([Type.Literal('confirmed'), Type.Literal('refused')]),
    breaker: Breaker,
    reason: Reason,
  },
  { additionalProperties: false },
);

export const KillBody = Type.Object(
  { on: Type.Boolean(), reason: Reason },
  { additionalProperties: false },
);

/** A command for people and programs: ISO instants, and what exactly an approver signs. */
export function commandView(command: Command) {
  const at = (ms: number | null) => (ms === null ? null : formatInstant(ms));
  return {
    id: command.id,
    meter: command.meterSerial,
    action: command.action,
    state: command.state,
    reason: command.reason,
    requestedBy: command.requestedBy,
    requestedAt: at(command.requestedAtMs),
    notBefore: at(command.notBeforeMs),
    notAfter: at(command.notAfterMs),
    decision: command.decision,
    approvalPayload: approvalPayloadOf(command),
    approval: command.approval ?? null,
    approvedBy: command.approvedBy,
    approvedAt: at(command.approvedAtMs),
    sentBy: command.sender,
    sentAt: at(command.sentAtMs),
    deadline: at(command.deadlineAtMs),
    answeredAt: at(command.answeredAtMs),
    confirmedAt: at(command.confirmedAtMs),
    result: command.result,
  };
}

export function eventView(event: CommandEvent) {
  const { atMs, ...rest } = event;
  return { ...rest, at: formatInstant(atMs) };
}

export function killView(flag: KillSwitch) {
  return {
    on: flag.on,
    setBy: flag.setBy ?? null,
    setAt: flag.setAtMs === undefined ? null : formatInstant(flag.setAtMs),
  };
}
