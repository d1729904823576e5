/** Goal: the pure rules of commands: windows, caps, read-backs, approvals, one way for the bytes. */
import { execFileSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { approvalPayloadOf, type Command } from '../../db/command-rows.ts';
import {
  capOf,
  GOVERNOR_DEFAULTS,
  type GovernorCounts,
  governorHold,
  limitsProblem,
} from '../../db/governor.ts';
import { localMoment, outsideWindow, weekdayMornings } from '../../db/legal-window.ts';
import {
  COMMAND_STATES,
  type CommandState,
  isFinal,
  mayBecome,
  signApproval,
} from '../../domain/index.ts';
import { type ApproverKeys, approvalProblem } from '../../gateway/commands/approvals.ts';
import { judgeReadback } from '../../gateway/commands/verdict.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const at = (iso: string) => Date.parse(iso);

describe('states', () => {
  it('the database knows the same transitions as the domain', () => {
    const sql = readFileSync(join(ROOT, 'db/migrations/0020_commands.sql'), 'utf8');
    const block = /INSERT INTO command_transition VALUES([^;]*);/.exec(sql)?.[1] ?? '';
    const inSql = [...block.matchAll(/\('(\w+)', '(\w+)'\)/g)].map((m) => `${m[1]}>${m[2]}`);
    const inDomain = COMMAND_STATES.flatMap((from) =>
      COMMAND_STATES.filter((to) => mayBecome(from, to)).map((to) => `${from}>${to}`),
    );
    expect(inSql.sort()).toEqual(inDomain.sort());
  });

  it('nothing that was sent can be queued, cancelled or expired again', () => {
    const reachable = (from: CommandState): CommandState[] => {
      const seen = new Set<CommandState>();
      const walk = (state: CommandState) => {
        for (const to of COMMAND_STATES.filter((s) => mayBecome(state, s) && !seen.has(s))) {
          seen.add(to);
          walk(to);
        }
      };
      walk(from);
      return [...seen].sort();
    };
    expect(reachable('sent')).toEqual(['accepted', 'confirmed', 'indeterminate', 'refused']);
    expect(reachable('indeterminate')).toEqual(['confirmed', 'refused']);
    expect(reachable('requested').filter(isFinal)).toEqual([
      'cancelled',
      'confirmed',
      'expired',
      'refused',
    ]);
  });
});

describe('legal window', () => {
  const window = weekdayMornings(['2026-10-07', '2026-01-01']);
  const berlin = 'Europe/Berlin';
  it.each([
    ['Tuesday 08:00', '2026-10-13T06:00:00Z', berlin, undefined],
    ['Tuesday 07:59:59', '2026-10-13T05:59:59Z', berlin, /7 h local/],
    ['Tuesday 14:59:59', '2026-10-13T12:59:59Z', berlin, undefined],
    ['Tuesday 15:00', '2026-10-13T13:00:00Z', berlin, /15 h local/],
    ['Friday', '2026-10-16T08:00:00Z', berlin, /weekday 5/],
    ['Saturday', '2026-10-17T08:00:00Z', berlin, /weekday 6/],
    ['Sunday', '2026-10-18T08:00:00Z', berlin, /weekday 7/],
    ['a holiday', '2026-10-07T08:00:00Z', berlin, /2026-10-07 is a holiday/],
    ['the eve of a holiday', '2026-10-06T08:00:00Z', berlin, /its eve/],
    ['the eve over the turn of the year', '2025-12-31T08:00:00Z', berlin, /its eve/],
    ['winter time, one hour later', '2026-10-27T06:30:00Z', berlin, /7 h local/],
    ['Sunday in Berlin, Monday in Auckland', '2026-10-11T20:00:00Z', 'Pacific/Auckland', undefined],
    [
      'Monday in Berlin, Sunday in Honolulu',
      '2026-10-12T07:00:00Z',
      'Pacific/Honolulu',
      /weekday 7/,
    ],
    ['an unknown zone', '2026-10-13T08:00:00Z', 'Mars/Base', /not known/],
    ['an empty zone', '2026-10-13T08:00:00Z', '', /not known/],
  ] as const)('%s', (_name, instant, zone, why) => {
    const closed = outsideWindow(window, at(instant), zone);
    if (why === undefined) expect(closed).toBeUndefined();
    else expect(closed).toMatch(why);
  });

  it('midnight is hour 0', () => {
    expect(localMoment(at('2026-10-12T22:00:00Z'), berlin)).toEqual({
      date: '2026-10-13',
      hour: 0,
      weekday: 2,
    });
  });
});

const QUIET: GovernorCounts = {
  fleetMeters: 500_000,
  feederMeters: 1_000,
  fleetHour: 0,
  fleetDay: 0,
  feederHour: 0,
  feederDay: 0,
  transformerHour: 0,
  requesterDay: 0,
  keyDay: 0,
  meterDay: 0,
  meterDisconnectsDay: 0,
  meterDwell: 0,
  indeterminateHour: 0,
};

describe('governor', () => {
  /** Per count: the first number that holds a cut, and a reconnect (none: never). */
  const BOUNDS: readonly (readonly [keyof GovernorCounts, number, number | undefined])[] = [
    ['fleetHour', 100, 500],
    ['fleetDay', 500, 2_500],
    ['feederHour', 10, 50],
    ['feederDay', 30, 150],
    ['transformerHour', 1, 5],
    ['requesterDay', 200, 1_000],
    ['keyDay', 200, 1_000],
    ['meterDay', 2, 2],
    ['meterDwell', 1, 1],
    ['meterDisconnectsDay', 1, undefined],
    ['indeterminateHour', 10, undefined],
  ];
  it.each(BOUNDS)('%s', (name, cut, connect) => {
    const hold = (action: 'disconnect' | 'connect', count: number) =>
      governorHold(action, { ...QUIET, [name]: count }, GOVERNOR_DEFAULTS);
    expect(hold('disconnect', cut - 1)).toBeUndefined();
    expect(hold('disconnect', cut)).toMatchObject({ count: cut, max: cut });
    if (connect === undefined) return expect(hold('connect', 1e6)).toBeUndefined();
    expect(hold('connect', connect - 1)).toBeUndefined();
    return expect(hold('connect', connect)).toBeDefined();
  });

  it('holds on a count that is no number', () => {
    for (const name of Object.keys(QUIET)) {
      const hold = governorHold('disconnect', { ...QUIET, [name]: Number.NaN }, GOVERNOR_DEFAULTS);
      expect({ name, held: hold !== undefined }).toEqual({ name, held: true });
    }
  });

  it('gives a small fleet at least one, and a share never more than its part', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 10_000_000 }), (meters) => {
        const cap = capOf(meters, 0.0002);
        expect(cap).toBeGreaterThanOrEqual(1);
        if (cap > 1) expect(cap).toBeLessThanOrEqual(meters * 0.0002 + 1e-6);
      }),
    );
  });

  it('takes lower limits, refuses higher ones and those that are none', () => {
    expect(limitsProblem(GOVERNOR_DEFAULTS)).toBeUndefined();
    const limit = (meterDisconnectsPerDay: number) =>
      limitsProblem({ ...GOVERNOR_DEFAULTS, meterDisconnectsPerDay });
    expect(limit(0)).toBeUndefined();
    for (const wrong of [2, -1, Number.NaN, Number.POSITIVE_INFINITY, '1' as unknown as number]) {
      expect(limit(wrong)).toMatch('meterDisconnectsPerDay');
    }
    const none = { ...GOVERNOR_DEFAULTS, disconnectFleetPerHourShare: 0 };
    expect(governorHold('disconnect', QUIET, none)).toMatchObject({ bound: 'fleet per hour' });
  });
});

describe('read-back', () => {
  const STATES = ['open', 'closed', 'ready', 'unknown', undefined] as const;
  const REACHED: Readonly<Record<string, readonly string[]>> = {
    disconnect: ['open/open'],
    connect: ['closed/closed', 'open/ready'],
    arm: ['open/ready'],
  };
  const UNTOUCHED: Readonly<Record<string, readonly string[]>> = {
    disconnect: ['closed/closed'],
    connect: ['open/open'],
    arm: ['open/open'],
  };
  it.each(['disconnect', 'connect', 'arm'] as const)('%s: all 25 pairs of states', (action) => {
    for (const output of STATES) {
      for (const control of STATES) {
        const pair = `${output}/${control}`;
        const expected = REACHED[action]?.includes(pair)
          ? 'reached'
          : UNTOUCHED[action]?.includes(pair)
            ? 'untouched'
            : 'unclear';
        expect({ pair, verdict: judgeReadback(action, { output, control }) }).toEqual({
          pair,
          verdict: expected,
        });
      }
    }
  });
});

describe('approval', () => {
  const [good, other] = [generateKeyPairSync('ed25519'), generateKeyPairSync('ed25519')];
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2_048 });
  const keys: ApproverKeys = new Map([
    ['anna', { key: good.publicKey, owner: 'anna' }],
    ['bert', { key: other.publicKey, owner: 'bert' }],
    ['carl', { key: good.publicKey, owner: 'carl' }],
    ['rsa', { key: rsa.publicKey, owner: 'dora' }],
  ]);
  const command = {
    id: '01a0a0a0-0000-7000-8000-000000000001',
    meterSerial: 'M1',
    action: 'disconnect',
    requestedBy: 'carl',
    notBeforeMs: at('2026-10-06T07:00:00Z'),
    notAfterMs: at('2026-10-06T07:10:00Z'),
    decisionHash: 'a'.repeat(64),
  } as Command;
  const signed = signApproval(approvalPayloadOf(command), 'anna', good.privateKey);

  it('stands for the command that was signed', () => {
    expect(approvalProblem(command, signed, keys)).toBeUndefined();
  });

  it.each([
    ['id', { id: '01a0a0a0-0000-7000-8000-000000000002' }],
    ['meter', { meterSerial: 'M2' }],
    ['action', { action: 'connect' }],
    ['start', { notBeforeMs: command.notBeforeMs - 1 }],
    ['deadline', { notAfterMs: command.notAfterMs + 1 }],
    ['decision', { decisionHash: 'b'.repeat(64) }],
  ])('falls with another %s', (_name, change) => {
    const changed = { ...command, ...change } as Command;
    expect(approvalProblem(changed, signed, keys)).toBe('the signature does not fit');
  });

  it.each([
    ['nothing', undefined, 'there is none'],
    ['an unknown key', { ...signed, keyId: 'eve' }, 'key eve is not known'],
    ['the key of another', { ...signed, keyId: 'bert' }, 'the signature does not fit'],
    ['the requester’s key', { ...signed, keyId: 'carl' }, 'carl asked for it and may not approve'],
    ['a key of another kind', { ...signed, keyId: 'rsa' }, 'the signature does not fit'],
    ['an empty signature', { ...signed, signature: '' }, 'the signature does not fit'],
    [
      'half a signature',
      { ...signed, signature: signed.signature.slice(0, 40) },
      'the signature does not fit',
    ],
    [
      'a longer one',
      { ...signed, signature: `AAAA${signed.signature}` },
      'the signature does not fit',
    ],
  ])('falls with %s', (_name, approval, problem) => {
    expect(approvalProblem(command, approval, keys)).toBe(problem);
  });
});

describe('one way for the bytes', () => {
  const files = execFileSync('git', ['ls-files', '-co', '--exclude-standard', '*.ts'], {
    cwd: ROOT,
    encoding: 'utf8',
  })
    .split('\n')
    .filter((file) => /^(domain|db|gateway|ingest|billing|cli)\//.test(file));
  const count = (pattern: RegExp, inFiles = files) =>
    inFiles.flatMap((file) => {
      const text = readFileSync(join(ROOT, file), 'utf8');
      return [...text.matchAll(pattern)].map(() => file);
    });

  it('the relay function is made once and called once', () => {
    expect(count(/function sendRelayCommand\b/g)).toEqual(['gateway/commands/relay.ts']);
    expect(count(/(?<!function )\bsendRelayCommand\(/g)).toEqual(['gateway/commands/execute.ts']);
  });

  it('nothing else publishes to a command topic but the question, which is a read', () => {
    expect(count(/TOPIC\.command\(/g).filter((f) => f.startsWith('gateway/commands'))).toEqual([
      'gateway/commands/ask.ts',
      'gateway/commands/relay.ts',
    ]);
    const ask = readFileSync(join(ROOT, 'gateway/commands/ask.ts'), 'utf8');
    expect([...ask.matchAll(/action: '(\w+)'/g)].map((m) => m[1])).toEqual(['read']);
    const others = files.filter(
      (f) => !f.startsWith('gateway/commands/') && !f.startsWith('gateway/broker/'),
    );
    expect(count(/\.publishDown\(/g, others)).toEqual([]);
  });

  it('the claim is the only way to sent, and has one caller', () => {
    expect(count(/to: 'sent'/g)).toEqual(['db/command-claim.ts']);
    expect(count(/(?<!function )\bclaimForSend\(/g)).toEqual(['gateway/commands/store.ts']);
  });
});
