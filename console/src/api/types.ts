/** Answers of the API as the pages read them. Money and energy are decimal strings. */

export interface Session {
  readonly name: string;
  readonly scopes: readonly string[];
}

export interface OriginTotals {
  readonly origin: string;
  readonly batches: number;
  readonly messages: number;
  readonly offered: number;
  readonly stored: number;
  readonly duplicate: number;
  readonly rejected: number;
  readonly quarantined: number;
}

export interface Conservation {
  readonly origins: readonly OriginTotals[];
  readonly tables: { readonly rows: number; readonly claimed: number };
}

export interface DayCompleteness {
  /** Local date of the places. */
  readonly date: string;
  readonly expected: number;
  readonly received: number;
  readonly estimated: number;
  readonly missing: number;
}

export interface RuleCount {
  readonly rule: string;
  readonly severity: string;
  readonly exceptions: number;
}

export interface QuarantineReason {
  readonly code: string;
  readonly records: number;
  readonly entries: number;
  readonly example: string;
}

export interface Readiness {
  readonly ready: boolean;
  readonly checks: readonly {
    readonly name: string;
    readonly ok: boolean;
    readonly state: string;
  }[];
}

export interface Meter {
  readonly serial: string;
  readonly protocol: string;
  readonly model: string;
  readonly has_breaker: boolean;
  readonly breaker_state: string;
  readonly breaker_at: string | null;
  readonly service_point: string | null;
  readonly feeder: string | null;
  readonly account: string | null;
  /** IANA name; absent or null when no place is known: then times are UTC and say so. */
  readonly time_zone?: string | null;
}

export interface Channel {
  readonly id: number;
  /** OBIS. */
  readonly code: string;
  readonly kind: string;
  readonly direction: string;
  readonly unit: string;
  readonly exponent: number;
  readonly interval_s: number;
}

export interface MeterDetail extends Meter {
  readonly channels: readonly Channel[];
}

export interface Interval {
  readonly start: string;
  readonly state: string;
  /** In the unit without prefix; null: no reading. */
  readonly value: string | null;
  readonly quality: string | null;
  readonly flags: readonly string[];
}

export interface IntervalAnswer {
  readonly channel: Channel;
  readonly intervals: readonly Interval[];
}

export interface Version {
  readonly value: string;
  readonly quality: string;
  readonly flags: readonly string[];
  readonly batch: number;
  readonly origin: string;
  readonly actor: string;
  readonly recorded_at: string;
  /** null: the one that stands. */
  readonly superseded: {
    readonly by_batch: number;
    readonly at: string;
    readonly reason: string;
  } | null;
}

export interface InvoiceHead {
  readonly number: string;
  readonly kind: string;
  readonly account_number: string;
  readonly period_from: string;
  readonly period_to: string;
  readonly currency: string;
  readonly net: string;
  readonly tax: string;
  readonly total: string;
  readonly input_hash: string;
  readonly result_hash: string;
  readonly as_of: string;
  readonly issued_at: string;
  readonly due_date: string;
  readonly snapshot: InvoiceSnapshot;
}

/** What the invoice itself remembers of the day it was made. */
export interface InvoiceSnapshot {
  readonly customer: { readonly code: string; readonly name: string };
  readonly servicePoint: string;
  readonly address: string | null;
  readonly timeZone: string;
  readonly tariff: { readonly code: string; readonly revision: number };
  readonly channels: readonly {
    readonly id: number;
    readonly meter: string;
    readonly code: string;
  }[];
}

export interface InvoiceLine {
  readonly line: number;
  readonly code: string;
  readonly description: string;
  readonly from_date: string;
  readonly to_date: string;
  readonly quantity: string;
  readonly unit: string;
  readonly price: string;
  readonly factor: string | null;
  readonly exact: string;
  readonly amount: string;
  readonly determinants: readonly string[];
}

export interface InvoiceTax {
  readonly code: string;
  readonly base: string;
  readonly rate: string;
  readonly amount: string;
}

export interface BilledInterval {
  readonly channelId: number;
  readonly start: string;
  readonly value: string;
  readonly quality: string;
  readonly batchId: number;
}

export interface Determinant {
  readonly code: string;
  readonly period: string;
  readonly quantity: string;
  readonly unit: string;
  readonly intervals: number;
  readonly expected: number;
  readonly estimated: number;
  /** The versions known when the bill was made still add up to what was billed. */
  readonly verified: boolean;
  readonly rows: readonly BilledInterval[];
}

export interface Invoice extends InvoiceHead {
  readonly lines: readonly InvoiceLine[];
  readonly taxes: readonly InvoiceTax[];
  readonly determinants: readonly Determinant[];
}

export interface Command {
  readonly id: string;
  readonly meter: string;
  readonly action: string;
  readonly state: string;
  /** Why it is in this state; null while all goes its way. */
  readonly reason: string | null;
  readonly requestedBy: string;
  readonly requestedAt: string;
  readonly notBefore: string;
  readonly notAfter: string;
  readonly decision: unknown;
  readonly approvedBy: string | null;
  readonly approvedAt: string | null;
  readonly sentBy: string | null;
  readonly sentAt: string | null;
  readonly deadline: string | null;
  readonly confirmedAt: string | null;
  readonly result: unknown;
}

export interface CommandEvent {
  readonly seq: number;
  readonly at: string;
  readonly from: string | null;
  readonly to: string;
  readonly actor: string;
  readonly detail: unknown;
}

export interface CommandDetail extends Command {
  readonly events: readonly CommandEvent[];
}

export interface KillSwitch {
  readonly on: boolean;
  readonly setBy: string | null;
  readonly setAt: string | null;
}

export interface Breaker {
  readonly killSwitch: KillSwitch;
  readonly commands: Readonly<Record<string, number>>;
}

export interface CaseState {
  readonly state: string;
  readonly reason: string | null;
  readonly openedAt: string;
  readonly changedAt: string;
}

export interface CollectionCase extends CaseState {
  readonly id: string;
  readonly account: string;
  readonly branch: string;
  readonly plan: { readonly code: string; readonly revision: number };
  /** Something waits for somebody to look at it. */
  readonly needsPerson: boolean;
}

export interface Hold {
  readonly id: string;
  readonly kind: string;
  readonly from: string | null;
  readonly to: string | null;
  readonly reason: string;
  readonly createdBy: string;
  readonly releasedBy: string | null;
}

export interface AccountCollections {
  readonly account: string;
  readonly case: CaseState | null;
  readonly holds: readonly Hold[];
  readonly timeline: readonly {
    readonly at: string;
    readonly what: string;
    readonly detail: unknown;
  }[];
}
