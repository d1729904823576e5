/** What is known of an account, and what follows from it: the words between facts and effects. */
import type { BreakerState, CommandAction, CommandState } from '../../domain/index.ts';
import type { GateInputs, GateResult } from './gates.ts';
import type { DisconnectStepPlan, HoldKind, NoticeStepPlan } from './schema.ts';

/** Name under which collections ask for commands; it can never approve one. */
export const POLICY = 'policy:collections';

/** One invoice in the books. Amounts are decimal strings. */
export interface Receivable {
  readonly invoice: string;
  readonly servicePointId: number;
  /** Local date; overdue from the day after. */
  readonly dueDate: string;
  readonly amount: string;
}

export interface OpenItem extends Receivable {
  /** What credits have not covered. */
  readonly open: string;
}

export interface Hold {
  readonly id: string;
  readonly kind: HoldKind;
  readonly fromMs: number;
  /** null = until released. */
  readonly toMs: number | null;
  readonly reason: string;
}

export interface BreakerCommand {
  readonly id: string;
  readonly action: CommandAction;
  readonly state: CommandState;
  readonly requestedBy: string;
  readonly requestedAtMs: number;
  readonly confirmedAtMs: number | null;
  readonly changedAtMs: number;
  readonly meterSerial: string;
  readonly servicePointId: number;
}

export interface StepRecord {
  readonly round: number;
  readonly step: string;
  readonly attempt: number;
  readonly action: 'notice' | 'final_notice' | 'disconnect' | 'reconnect';
  readonly atMs: number;
  readonly commandId: string | null;
}

/** A final notice with the proof that it was served. */
export interface ServedNotice {
  readonly id: string;
  readonly round: number;
  readonly servedAtMs: number;
  readonly channel: string;
  /** As kept with the notice ... */
  readonly proofHash: string;
  /** ... and as it follows from its text, receiver and moment now. */
  readonly computedHash: string;
}

export interface CaseFacts {
  readonly id: bigint;
  readonly state: 'open' | 'stopped' | 'restoring';
  readonly round: number;
  readonly reason: string;
  readonly steps: readonly StepRecord[];
  readonly finalNotice: ServedNotice | null;
}

/** A meter at a service point of the account's agreements in force. */
export interface Place {
  readonly servicePointId: number;
  readonly servicePoint: string;
  readonly timeZone: string;
  readonly protection: 'none' | 'protected' | 'unknown';
  readonly protectionCheckedMs: number | null;
  /** null: no meter is installed there. */
  readonly meter: {
    readonly serial: string;
    readonly hasBreaker: boolean;
    readonly breaker: BreakerState;
    readonly installedFromMs: number;
  } | null;
}

export interface AccountFacts {
  readonly accountId: number;
  readonly account: string;
  readonly currency: string;
  readonly customer: string;
  readonly language: string;
  /** In which dates are counted; of the account's service point. */
  readonly timeZone: string;
  readonly receivables: readonly Receivable[];
  /** Payments, credit notes and what else reduces the debt, less what adds to it without due date. */
  readonly credits: string;
  readonly payments: {
    /** Posted, but not yet heard by collections. */
    readonly unheard: number;
    readonly lastReceivedMs: number | null;
  };
  /** Not released, whether current or not. */
  readonly holds: readonly Hold[];
  /** Blocks in the account's guard that are not of a hold. */
  readonly otherBlocks: Readonly<Record<string, string>>;
  readonly commands: readonly BreakerCommand[];
  readonly case: CaseFacts | null;
  readonly places: readonly Place[];
}

export interface Debt {
  /** Overdue and open, decimal string. */
  readonly amount: string;
  readonly items: readonly OpenItem[];
  /** Due date of the oldest open item that is overdue; null = nothing is. */
  readonly oldestDue: string | null;
}

export type Effect =
  | {
      readonly kind: 'notice';
      readonly step: NoticeStepPlan;
      readonly debt: Debt;
      /** The first local date on which a cut may follow; of a final notice. */
      readonly cutNotBefore: string | null;
    }
  | {
      readonly kind: 'disconnect';
      readonly step: DisconnectStepPlan;
      readonly attempt: number;
      readonly inputs: GateInputs;
      readonly gates: readonly GateResult[];
    }
  | {
      readonly kind: 'blocked';
      readonly step: DisconnectStepPlan;
      readonly inputs: GateInputs;
      readonly gates: readonly GateResult[];
    }
  | {
      readonly kind: 'reconnect';
      readonly attempt: number;
      readonly cut: BreakerCommand;
      readonly reason: string;
      readonly debt: Debt;
    }
  /** Nothing can be done without a person. */
  | { readonly kind: 'stuck'; readonly what: string; readonly why: string };

export interface Decision {
  /** The case as it should be; undefined: there is none and none is needed. */
  readonly case:
    | {
        readonly state: 'open' | 'stopped' | 'restoring' | 'closed';
        readonly round: number;
        readonly reason: string;
      }
    | undefined;
  /** Why disconnects that were not sent must go; undefined: they may stay. */
  readonly cancel: string | undefined;
  readonly effect: Effect | undefined;
  /** One sentence for people. */
  readonly why: string;
}
