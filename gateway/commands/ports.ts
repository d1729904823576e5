/** What the sender of commands needs from the outside. */

import type { ClaimOutcome } from '../../db/command-claim.ts';
import type { Command } from '../../db/command-rows.ts';
import type { QueuedCommand } from '../../db/command-sweeps.ts';
import type { BreakerState, Clock, RandomBytes } from '../../domain/index.ts';
import type { ReplyBook } from './replies.ts';

/** The part of a meter link that commands use; gateway/broker has it. */
export interface CommandLink {
  /** False: surely nothing left. True: it may have reached the meter. Never queues. */
  publishDown(serial: string, topic: string, payload: Uint8Array): Promise<boolean>;
  /** Absent when the link cannot know. */
  isOnline?(serial: string): boolean;
}

export interface Seen {
  readonly output: BreakerState | undefined;
  readonly control: BreakerState | undefined;
}

/** Where commands live: the database in the centre. Every write is a compare-and-set. */
export interface CommandStore {
  get(id: string): Promise<Command | undefined>;
  /** Only `sent` allows bytes; it is committed by then. `begun`: the guards are being asked. */
  claim(id: string, nonce: string, begun: () => void): Promise<ClaimOutcome>;
  /** The meter answered that it acts or has acted. */
  accepted(id: string, detail: Readonly<Record<string, unknown>>): Promise<boolean>;
  /** The outcome is not known; the breaker may have moved. */
  unclear(id: string, reason: string): Promise<boolean>;
  settle(id: string, to: 'confirmed' | 'refused', seen: Seen, reason?: string): Promise<boolean>;
  /** Read back without a result; `answered` when the meter said meanwhile that it acted. */
  reread(command: Command, nextTryAtMs: number, seen: Seen, answered: boolean): Promise<void>;
  expireDue(): Promise<number>;
  promoteDue(): Promise<number>;
  queuedDue(afterId: string, limit: number): Promise<QueuedCommand[]>;
  ownOrphans(): Promise<Command[]>;
  silentOrphans(silentSinceMs: number): Promise<Command[]>;
  unclearDue(limit: number): Promise<Command[]>;
}

export interface AttemptRecord {
  readonly commandId: string;
  readonly meter: string;
  readonly action: string;
  readonly nonce: string;
  readonly at: string;
}

/** Local, durable memory of what was about to be sent, should the database forget. */
export interface AttemptLog {
  /** Resolves when it is on disk. */
  append(record: AttemptRecord): Promise<void>;
  seen(commandId: string): boolean;
}

/** Where a test may let the process die. Between any two of them nothing else is durable. */
export const CRASH_POINTS = [
  'before-claim',
  'after-claim',
  'after-attempt',
  'before-publish',
  'after-publish',
  'after-answer',
  'after-accepted',
  'after-readback',
  'after-settled',
] as const;
export type CrashPoint = (typeof CRASH_POINTS)[number];

export interface SenderStats {
  sent: number;
  held: number;
  ended: number;
  confirmed: number;
  refused: number;
  indeterminate: number;
  /** Hints that name no command that waits: forged, stale or repeated. */
  idleHints: number;
  /** Answers nobody waits for and no unclear command explains. */
  strayReplies: number;
  failures: number;
}

export interface SenderOptions {
  readonly store: CommandStore;
  readonly link: CommandLink;
  readonly clock: Clock;
  readonly random: RandomBytes;
  readonly attempts: AttemptLog;
  /** Local kill switch, asked right before the bytes; works without database and Redis. */
  readonly killed?: () => boolean;
  readonly onFailure?: (error: unknown, commandId: string) => void;
  /** Tests only: throws where the process shall die. */
  readonly crash?: (point: CrashPoint) => void;
}

export interface SendContext extends SenderOptions {
  readonly replies: ReplyBook;
  readonly stats: SenderStats;
  /** Aborted when the sender stops. */
  readonly signal: AbortSignal;
}
