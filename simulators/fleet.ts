/**
 * Many meters in one process, driven slot by slot through simulated time: every meter measures a
 * slot, sends it with the faults its seed has drawn, and time moves on when all is acknowledged.
 */
import { type Clock, DAY_MS } from '../domain/index.ts';
import { drawFault, type FaultRates, type SlotFault } from './faults.ts';
import { type MeterLog, memoryLog } from './meter-log.ts';
import { MqttMeter } from './mqtt-meter/meter.ts';
import { type Random, seededRandom } from './random.ts';

export interface FleetMeterPlan {
  readonly serial: string;
  readonly secret: string;
  readonly registerStartWh: number;
  readonly registerModulusWh: number;
  /** Loses this whole span, too long to interpolate. */
  readonly longGap?: { readonly fromMs: number; readonly toMs: number };
}

export interface FleetOptions {
  readonly url: string;
  readonly clock: Clock;
  readonly seed: number;
  readonly rates: FaultRates;
  readonly plans: readonly FleetMeterPlan[];
  readonly logOf?: (serial: string) => MeterLog;
  readonly connectsAtOnce?: number;
}

export interface FleetCounts {
  messages: number;
  /** Readings handed to the gateway, repeated ones counted each time; a garbled message is one. */
  offered: number;
  faults: Record<SlotFault, number>;
}

interface Member {
  readonly meter: MqttMeter;
  readonly plan: FleetMeterPlan;
  readonly random: Random;
  held: { readonly startMs: number; readonly values: readonly number[] } | undefined;
}

const AHEAD_MS = 7 * 60_000;
const FUTURE_MS = 2 * DAY_MS;

export class Fleet {
  readonly counts: FleetCounts = {
    messages: 0,
    offered: 0,
    faults: {
      none: 0,
      'gap-short': 0,
      'gap-long': 0,
      duplicate: 0,
      late: 0,
      'clock-ahead': 0,
      'clock-future': 0,
      garbage: 0,
    },
  };
  readonly #options: FleetOptions;
  readonly #members: Member[];

  constructor(options: FleetOptions) {
    this.#options = options;
    this.#members = options.plans.map((plan) => ({
      plan,
      random: seededRandom(`${options.seed}/${plan.serial}`),
      held: undefined,
      meter: new MqttMeter({
        serial: plan.serial,
        secret: plan.secret,
        url: options.url,
        clock: options.clock,
        log: options.logOf?.(plan.serial) ?? memoryLog(),
        seed: `${options.seed}/${plan.serial}`,
        registerStartWh: plan.registerStartWh,
        registerModulusWh: plan.registerModulusWh,
      }),
    }));
  }

  async connect(onProgress: (done: number, total: number) => void = () => {}): Promise<void> {
    const atOnce = this.#options.connectsAtOnce ?? 25;
    for (let i = 0; i < this.#members.length; i += atOnce) {
      await Promise.all(this.#members.slice(i, i + atOnce).map((m) => m.meter.connect()));
      onProgress(Math.min(i + atOnce, this.#members.length), this.#members.length);
    }
  }

  /** All meters send [startMs, startMs + count intervals); resolves when all is acknowledged. */
  async slot(startMs: number, count: number): Promise<void> {
    await Promise.all(this.#members.map((member) => this.#sendSlot(member, startMs, count)));
  }

  /** As slot, on a good day: nothing goes wrong. */
  async goodSlot(startMs: number, count: number): Promise<void> {
    await Promise.all(
      this.#members.map((member) =>
        this.#send(member, startMs, member.meter.measure(startMs, count)),
      ),
    );
  }

  /** All meters send their register read of this instant. */
  async registers(atMs: number): Promise<void> {
    await Promise.all(
      this.#members.map(async ({ meter }) => {
        await meter.sendRegister(atMs);
        this.#count(1);
      }),
    );
  }

  /** One meter alone measures and sends, without faults. */
  async sendOne(serial: string, startMs: number, count: number): Promise<void> {
    const member = this.#members.find((m) => m.plan.serial === serial);
    if (member === undefined) throw new Error(`no meter ${serial} in this fleet`);
    await this.#send(member, startMs, member.meter.measure(startMs, count));
  }

  /** Sends what was held back, so that the month is complete as far as the faults allow. */
  async flush(): Promise<void> {
    await Promise.all(this.#members.map((member) => this.#sendHeld(member)));
  }

  async stop(): Promise<void> {
    await Promise.all(this.#members.map(({ meter }) => meter.stop(true)));
  }

  async #sendSlot(member: Member, startMs: number, count: number): Promise<void> {
    const { meter, plan } = member;
    const stepMs = meter.intervalS * 1_000;
    const values = meter.measure(startMs, count);
    const gap = plan.longGap;
    const inGap = gap !== undefined && startMs >= gap.fromMs && startMs < gap.toMs;
    const fault = inGap ? 'gap-long' : drawFault(member.random, this.#options.rates);
    this.counts.faults[fault] += 1;
    if (fault === 'gap-long') return;
    if (fault === 'gap-short') return this.#sendWithGap(member, startMs, values);
    if (fault === 'garbage') await this.#sendGarbage(member, startMs, values);
    if (fault === 'clock-ahead' || fault === 'clock-future') {
      const wrongMs = fault === 'clock-ahead' ? AHEAD_MS : FUTURE_MS + stepMs;
      await this.#send(member, startMs + wrongMs, values);
    }
    if (fault === 'late' || fault === 'clock-ahead' || fault === 'clock-future') {
      // Once the clock is set, the meter gives the same intervals again with their true times.
      await this.#sendHeld(member);
      member.held = { startMs, values };
      return;
    }
    await this.#send(member, startMs, values);
    if (fault === 'duplicate') await this.#send(member, startMs, values);
    await this.#sendHeld(member);
  }

  async #sendWithGap(member: Member, startMs: number, values: readonly number[]): Promise<void> {
    const { meter, random } = member;
    const from = 2 + random.below(Math.max(1, values.length - 10));
    const missing = 1 + random.below(Math.min(8, values.length - from - 1));
    const after = from + missing;
    await this.#send(member, startMs, values.slice(0, from));
    await this.#send(member, startMs + after * meter.intervalS * 1_000, values.slice(after));
  }

  async #sendGarbage(member: Member, startMs: number, values: readonly number[]): Promise<void> {
    const text = JSON.stringify({ readings: [{ start: startMs, values }] });
    const cut = 10 + member.random.below(text.length - 12);
    const noise = Buffer.from(Array.from({ length: 40 }, () => member.random.below(256)));
    await member.meter.sendRaw(member.random.chance(0.5) ? Buffer.from(text.slice(0, cut)) : noise);
    this.#count(1);
  }

  async #sendHeld(member: Member): Promise<void> {
    const held = member.held;
    member.held = undefined;
    if (held !== undefined) await this.#send(member, held.startMs, held.values);
  }

  async #send(member: Member, startMs: number, values: readonly number[]): Promise<void> {
    if (values.length === 0) return;
    await member.meter.sendIntervals(startMs, values);
    this.#count(values.length);
  }

  #count(readings: number): void {
    this.counts.messages += 1;
    this.counts.offered += readings;
  }
}
