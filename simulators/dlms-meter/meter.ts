/**
 * One simulated meter: identity and keys, clock, metering, relay. What it shows of itself over
 * DLMS/COSEM is in objects/, who may see it in server/association.ts.
 */
import { createHash } from 'node:crypto';
import type { Clock } from '../../domain/index.ts';
import type { GcmKeys } from '../../gateway/protocols/dlms/security/gcm.ts';
import { type MeterLog, memoryLog } from '../meter-log.ts';
import { seededRandom } from '../random.ts';
import { type ControlMode, DisconnectControl, type SwitchKind } from './disconnect-control.ts';
import { supplyPoint } from './load.ts';
import { MeterClock, type MeterClockPlan } from './meter-clock.ts';
import { GOOD_LINE, type ReplyFaultRates, ReplyFaults } from './meter-faults.ts';
import { EVENT, Metering } from './metering.ts';

export interface DlmsMeterOptions {
  readonly serial: string;
  /** Load, keys and faults follow from it. */
  readonly seed: string;
  readonly clock: Clock;
  readonly log?: MeterLog | undefined;
  readonly clockPlan?: MeterClockPlan | undefined;
  readonly periodS?: number | undefined;
  /** profile_entries of the load profile; ten days of quarter hours unless told. */
  readonly loadEntries?: number | undefined;
  /** Days the meter has been measuring when it starts. */
  readonly historyDays?: number | undefined;
  readonly startWh?: number | undefined;
  readonly modulusWh?: number | undefined;
  /** What the load profile captures: registers as they stand, or the energy of each period. */
  readonly captures?: 'registers' | 'periods' | undefined;
  /** Rows after the first of an answer leave out what follows from the row before (null-data). */
  readonly nullClocks?: boolean | undefined;
  readonly controlMode?: ControlMode | undefined;
  /** W; the local limiter opens the contact above it. */
  readonly limitW?: number | undefined;
  readonly faults?: ReplyFaultRates | undefined;
  readonly slowMs?: number | undefined;
  /** Largest APDU it takes or gives. */
  readonly maxPduOctets?: number | undefined;
  readonly generalProtection?: boolean | undefined;
  /** GET with a list: as it should be, refused, or answered with a result too few. */
  readonly lists?: 'good' | 'refused' | 'short' | undefined;
}

/** What a utility gets in the shipment file of a meter. */
export interface MeterSecrets {
  readonly systemTitle: Uint8Array;
  readonly keys: GcmKeys;
  readonly password: Uint8Array;
}

/** Three letters of the maker, five octets of the serial number (IEC 62056-5-3, 4.3.4). */
const MAKER = 'MLN';

export function secretsOf(serial: string, seed: string): MeterSecrets {
  const take = (label: string, octets: number) =>
    new Uint8Array(createHash('sha256').update(`${seed}/${label}`).digest().subarray(0, octets));
  const number = createHash('sha256').update(serial).digest().subarray(0, 5);
  return {
    systemTitle: Buffer.concat([Buffer.from(MAKER), number]),
    keys: { encryption: take('guek', 16), authentication: take('gak', 16) },
    password: Buffer.from(Buffer.from(take('lls', 8)).toString('hex').slice(0, 8)),
  };
}

export class DlmsMeter {
  readonly serial: string;
  readonly secrets: MeterSecrets;
  readonly clock: MeterClock;
  readonly metering: Metering;
  readonly relay: DisconnectControl;
  readonly faults: ReplyFaults;
  readonly captures: 'registers' | 'periods';
  readonly nullClocks: boolean;
  readonly maxPduOctets: number;
  readonly generalProtection: boolean;
  readonly lists: 'good' | 'refused' | 'short';
  limitW: number;
  /** Last invocation counter accepted from management clients; 0.43.1 shows it. */
  clientCounter = -1;
  /** Last one this meter has used itself. */
  ownCounter = -1;
  readonly #log: MeterLog;
  readonly #seed: string;
  #operations = 0;
  #challenges = 0;

  constructor(options: DlmsMeterOptions) {
    this.serial = options.serial;
    this.#seed = options.seed;
    this.secrets = secretsOf(options.serial, options.seed);
    this.#log = options.log ?? memoryLog();
    this.captures = options.captures ?? 'registers';
    this.nullClocks = options.nullClocks ?? false;
    this.maxPduOctets = options.maxPduOctets ?? 1_024;
    this.generalProtection = options.generalProtection ?? true;
    this.lists = options.lists ?? 'good';
    this.limitW = options.limitW ?? 0;
    this.clock = new MeterClock(options.clock, options.clockPlan);
    const random = seededRandom(`${options.seed}/replies`);
    this.faults = new ReplyFaults(random, options.faults ?? GOOD_LINE, options.slowMs ?? 500);
    this.relay = new DisconnectControl(options.controlMode ?? 4, (closed) => this.#moved(closed));
    this.metering = new Metering({
      clock: this.clock,
      point: supplyPoint(options.seed),
      log: this.#log,
      periodS: options.periodS ?? 900,
      loadEntries: options.loadEntries ?? 960,
      startWh: options.startWh ?? 0,
      modulusWh: options.modulusWh ?? 100_000_000,
      historyDays: options.historyDays ?? 1,
      closed: () => this.relay.closed,
    });
    this.metering.onPeriod = (powerW, endMs) => this.#limit(powerW, endMs);
  }

  /** Switches in one of the ways class 70 knows. */
  operate(kind: SwitchKind): 'done' | 'not-in-this-mode' | 'hardware-fault' {
    this.metering.advance();
    this.#operations += 1;
    const refusing = this.relay.fault === 'refusing' && kind.startsWith('remote');
    const known = !refusing && this.relay.operate(kind);
    const outcome = refusing ? 'hardware-fault' : known ? 'done' : 'not-in-this-mode';
    this.#log.append({ kind: 'command', id: this.#operation(), action: kind, outcome });
    return outcome;
  }

  /** Octets no client can foresee without the seed; never the same twice. */
  challenge(): Uint8Array {
    this.#challenges += 1;
    const label = `${this.#seed}/challenge/${this.#challenges}`;
    return new Uint8Array(createHash('sha256').update(label).digest().subarray(0, 16));
  }

  #operation(): string {
    return `${this.serial}/${this.#operations}`;
  }

  #moved(closed: boolean): void {
    const state = closed ? 'closed' : 'open';
    this.#log.append({ kind: 'breaker', id: this.#operation(), state });
    this.metering.event(closed ? EVENT.connected : EVENT.disconnected);
  }

  #limit(powerW: number, endMs: number): void {
    if (this.limitW <= 0 || powerW <= this.limitW || !this.relay.closed) return;
    this.#operations += 1;
    this.metering.event(EVENT.limiter, endMs);
    this.relay.operate('local-disconnect');
  }
}
