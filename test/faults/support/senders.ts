/**
 * Meters and head-ends that push without a pause and keep what is not acknowledged, each meter
 * writing what it did to a file of its own. A fault of the line is theirs to sit out.
 */
import { join } from 'node:path';
import { systemClock } from '../../../cli/clock.ts';
import { formatInstant, HOUR_MS, OBIS } from '../../../domain/index.ts';
import { household, loadWh } from '../../../simulators/household.ts';
import { fileLog, type MeterLog } from '../../../simulators/meter-log.ts';
import { MqttMeter } from '../../../simulators/mqtt-meter/meter.ts';
import { type Random, seededRandom } from '../../../simulators/random.ts';

export const INTERVAL_S = 300;
const STEP_MS = INTERVAL_S * 1_000;
/** Messages of one sender on their way at once: so many pile up in an outage. */
const INFLIGHT_MAX = 6;
const RETRY_MS = 200;
const CONNECTS_MAX = 300;
/** Meters of one head-end. */
const HEAD_END_METERS = 4;
const VALUES_MAX = 8;
/** Share of messages that a meter sends twice. */
const TWICE = 0.05;

export interface SenderOptions {
  /** Folder of the logs: one file a meter, named by its serial. */
  readonly directory: string;
  readonly seed: string;
  /** Start of the first interval; each sender makes `pace` intervals a second from there on. */
  readonly fromMs: number;
  readonly pace: number;
}

/** A gateway an hour behind must not take the newest interval for one of the future. */
export const NEWEST_BEFORE_NOW_MS = 2 * HOUR_MS;

export const secretOf = (serial: string) => `${serial}-0123456789abcdef`;
export const logPath = (directory: string, serial: string) => join(directory, `${serial}.meter`);

export abstract class Sender {
  abstract readonly serials: readonly string[];
  /** What a sender may never meet: a refusal of good readings. */
  readonly failures: string[] = [];
  protected readonly options: SenderOptions;
  protected readonly random: Random;
  protected nextMs: number;
  readonly #underWay = new Set<Promise<void>>();

  constructor(options: SenderOptions, label: string) {
    this.options = options;
    this.random = seededRandom(`${options.seed}/${label}`);
    this.nextMs = options.fromMs;
  }

  /** Sends until told to stop or until it has caught up with the time. */
  async run(stop: AbortSignal): Promise<void> {
    while (!stop.aborted) {
      if (this.#underWay.size >= INFLIGHT_MAX) {
        await systemClock.sleep(RETRY_MS);
        continue;
      }
      const startMs = this.nextMs;
      const count = 1 + this.random.below(VALUES_MAX);
      this.nextMs += count * STEP_MS;
      if (this.nextMs > systemClock.nowMs() - NEWEST_BEFORE_NOW_MS) return;
      this.#track(this.send(startMs, count));
      const pauseMs = (count / this.options.pace) * 1_000;
      await systemClock.sleep(pauseMs * (0.5 + this.random.next()));
    }
  }

  /** False when something is still not acknowledged after the time. */
  async drained(withinMs: number): Promise<boolean> {
    const deadlineMs = performance.now() + withinMs;
    while (this.#underWay.size > 0 && performance.now() < deadlineMs) await systemClock.sleep(50);
    return this.#underWay.size === 0;
  }

  abstract close(): Promise<void>;
  /** Resolves when all of it is acknowledged. */
  protected abstract send(startMs: number, count: number): Promise<void>;

  #track(sending: Promise<void>): void {
    this.#underWay.add(sending);
    sending
      .catch((error: unknown) => void this.failures.push(String(error)))
      .finally(() => this.#underWay.delete(sending));
  }
}

export class MeterSender extends Sender {
  readonly serials: readonly string[];
  readonly #meter: MqttMeter;
  readonly #log: MeterLog;

  constructor(serial: string, url: string, options: SenderOptions) {
    super(options, serial);
    this.serials = [serial];
    this.#log = fileLog(logPath(options.directory, serial));
    this.#meter = new MqttMeter({
      serial,
      secret: secretOf(serial),
      url,
      clock: systemClock,
      log: this.#log,
      seed: `${options.seed}/${serial}`,
      intervalS: INTERVAL_S,
      reconnectMs: 300,
    });
  }

  /** Until the line lets it in: it may be down just now. */
  async connect(): Promise<void> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.#meter.connect();
      } catch (error) {
        if (attempt >= CONNECTS_MAX) throw error;
        await systemClock.sleep(RETRY_MS);
      }
    }
  }

  async close(): Promise<void> {
    await this.#meter.stop(true);
    this.#log.close();
  }

  protected async send(startMs: number, count: number): Promise<void> {
    const values = this.#meter.measure(startMs, count);
    const twice = this.random.chance(TWICE);
    await this.#meter.sendIntervals(startMs, values);
    if (twice) await this.#meter.sendIntervals(startMs, values);
  }
}

/** Pushes over HTTP for several meters, each push under a key of its own until it is taken. */
export class HeadEndSender extends Sender {
  readonly serials: readonly string[];
  readonly #name: string;
  readonly #url: () => string;
  readonly #token: string;
  readonly #logs: readonly MeterLog[];
  #pushes = 0;
  #closed = false;

  constructor(name: string, url: () => string, token: string, options: SenderOptions) {
    super(options, name);
    this.#name = name;
    this.#url = url;
    this.#token = token;
    this.serials = Array.from({ length: HEAD_END_METERS }, (_, i) => `${name}-${i}`);
    this.#logs = this.serials.map((serial) => fileLog(logPath(options.directory, serial)));
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const log of this.#logs) log.close();
  }

  protected async send(startMs: number, count: number): Promise<void> {
    this.#pushes += 1;
    const key = `${this.#name}-${this.options.seed}-${this.#pushes}`;
    const starts = Array.from({ length: count }, (_, i) => startMs + i * STEP_MS);
    const readings = this.serials.map((meter, m) => {
      const home = household(`${this.options.seed}/${meter}`);
      const values = starts.map((start) => {
        const value = loadWh(home, start, INTERVAL_S);
        this.#logs[m]?.append({ kind: 'emitted', start, value });
        return value;
      });
      const start = formatInstant(startMs);
      return { meter, channel: OBIS.importActive, start, interval_s: INTERVAL_S, values };
    });
    const body = JSON.stringify({ readings });
    while (!(await this.#push(key, body))) await systemClock.sleep(RETRY_MS);
    for (const log of this.#logs) log.append({ kind: 'acked', starts });
  }

  /** True when taken, false when it is to be tried again. */
  async #push(key: string, body: string): Promise<boolean> {
    if (this.#closed) throw new Error(`${key} was never taken`);
    let response: Response;
    try {
      response = await fetch(`${this.#url()}/v1/readings`, {
        method: 'POST',
        headers: {
          authorization: `Bearer ${this.#token}`,
          'content-type': 'application/json',
          'idempotency-key': key,
        },
        body,
        signal: AbortSignal.timeout(10_000),
      });
    } catch {
      return false; // no connection, or it broke
    }
    const answer = await response.text().catch(() => '');
    if (response.status === 202) return true;
    if (response.status >= 500) return false;
    throw new Error(`${key} got ${response.status}: ${answer.slice(0, 300)}`);
  }
}
