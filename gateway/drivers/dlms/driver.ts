/**
 * Meters over DLMS/COSEM, each in a session of its own: readings as envelopes for the journal,
 * clocks, relays. One session with a meter at a time; work that only reads is tried again, work
 * that acts never is.
 */
import {
  type Clock,
  type Envelope,
  type Fault,
  isFault,
  LIMITS,
  type RandomBytes,
} from '../../../domain/index.ts';
import { anyInteger } from '../../protocols/dlms/shape.ts';
import { type CounterStore, Counters } from './counters.ts';
import { EVIDENCE_CONTENT_TYPE } from './evidence.ts';
import { intervalBlocks, type RowsRead, type RowsToRead, registerBlocks } from './intervals.ts';
import { LayoutCache } from './layouts.ts';
import { type MeterTime, readClock } from './meter-clock.ts';
import { readRange } from './profile.ts';
import { type RelayAction, type RelayState, reached, readRelay, switchRelay } from './relay.ts';
import { DlmsSession, type SessionPorts } from './session.ts';
import { addressOf, counterKey, type DlmsTarget } from './target.ts';

export interface DlmsDriverPorts {
  readonly clock: Clock;
  readonly random: RandomBytes;
  readonly counters: CounterStore;
}

export interface ProfileRequest {
  /** 1-0:99.1.0 unless told. */
  readonly instance?: string | undefined;
  /** Intervals that start in [fromMs, toMs); with `as` 'registers' captures in [fromMs, toMs]. */
  readonly fromMs: number;
  readonly toMs: number;
  readonly as?: 'intervals' | 'registers' | undefined;
  readonly modulusOf?: RowsToRead['modulusOf'];
}

export interface ProfileReading extends RowsRead {
  /** For the journal; absent when the meter has nothing in the range. */
  readonly envelope: Envelope | undefined;
  readonly rows: number;
  readonly time: MeterTime;
}

export interface SwitchReport {
  readonly before: RelayState;
  readonly answer: 'taken' | 'refused' | 'unknown';
  readonly reason: string;
  /** Read back; absent when the meter could not be reached any more. */
  readonly after: RelayState | undefined;
  /** `ready`: connected as soon as somebody presses the button at the meter. */
  readonly outcome: 'done' | 'ready' | 'not-done' | 'indeterminate';
}

const LOAD_PROFILE = '1-0:99.1.0';
/** The counter of the management client, for everybody to read (Green Book, 9.2.3.3.7.3). */
const COUNTER_OBJECT = { classId: 1, instance: '0-0:43.1.0', attributeId: 2 };
const PUBLIC_CLIENT = 16;

export class DlmsDriver {
  readonly layouts = new LayoutCache();
  readonly #ports: SessionPorts;
  readonly #lanes = new Map<string, Promise<unknown>>();

  constructor(ports: DlmsDriverPorts) {
    this.#ports = { ...ports, counters: new Counters(ports.counters) };
  }

  /** Work that changes nothing at the meter: done again after a fault that may pass. */
  read<T>(target: DlmsTarget, work: (session: DlmsSession) => Promise<T>): Promise<T> {
    return this.#alone(target, () => this.#trying(() => this.#session(target, work)));
  }

  /** Work that may change something: only the way to the meter is tried again. */
  act<T>(target: DlmsTarget, work: (session: DlmsSession) => Promise<T>): Promise<T> {
    return this.#alone(target, async () => {
      const session = await this.#trying(() => this.#open(target));
      return this.#using(session, work);
    });
  }

  async collectProfile(target: DlmsTarget, request: ProfileRequest): Promise<ProfileReading> {
    return this.read(target, (session) => this.#collect(session, request));
  }

  /** Switches once and reads back. Faults only when nothing was sent. */
  async switchRelay(
    target: DlmsTarget,
    action: RelayAction,
    instance?: string,
  ): Promise<SwitchReport> {
    const sent = await this.act(target, async (session) => {
      const before = await readRelay(session, instance);
      const { answer, reason } = await switchRelay(session, action, instance);
      const after = answer === 'unknown' ? undefined : await readBack(session, instance);
      return { before, answer, reason, after };
    });
    const after = sent.after ?? (await this.#readLater(target, instance));
    const stands = after === undefined ? undefined : reached(action, after);
    const outcome =
      stands === 'yes'
        ? 'done'
        : stands === 'ready' && sent.answer === 'taken'
          ? 'ready'
          : stands === undefined || sent.answer === 'unknown'
            ? 'indeterminate'
            : 'not-done';
    return { ...sent, after, outcome };
  }

  async #collect(session: DlmsSession, request: ProfileRequest): Promise<ProfileReading> {
    const { target, clock, evidence } = session;
    const { fromMs, toMs, modulusOf } = request;
    const instance = request.instance ?? LOAD_PROFILE;
    const time = await readClock(session);
    await this.layouts.of(session, instance);
    evidence.start();
    const { deviationMinutes } = time;
    const { layout, rows } = await readRange(session, this.layouts, instance, {
      fromMs,
      toMs,
      deviationMinutes,
    });
    const read = request.as === 'registers' ? registerBlocks : intervalBlocks;
    const { meter } = target;
    const result = read({
      meter,
      layout,
      rows,
      fromMs,
      toMs,
      modulusOf,
      deviationMinutes: target.deviationMinutes,
    });
    const { blocks, notes } = result;
    const raw = evidence.take({ meter, layout, driftMs: time.driftMs, notes });
    const envelope: Envelope = {
      source: 'dlms',
      peer: meter,
      receivedMs: clock.nowMs(),
      contentType: EVIDENCE_CONTENT_TYPE,
      locator: `dlms://${addressOf(target)}/${instance}`,
      raw,
      blocks,
    };
    const empty = blocks.length === 0;
    return { blocks, notes, envelope: empty ? undefined : envelope, rows: rows.length, time };
  }

  /** After a session that broke: only to look, never to switch. */
  async #readLater(target: DlmsTarget, instance?: string): Promise<RelayState | undefined> {
    try {
      return await this.read(target, (session) => readRelay(session, instance));
    } catch (error) {
      if (!isFault(error)) throw error;
      return undefined;
    }
  }

  async #session<T>(target: DlmsTarget, work: (session: DlmsSession) => Promise<T>): Promise<T> {
    return this.#using(await this.#open(target), work);
  }

  async #using<T>(session: DlmsSession, work: (session: DlmsSession) => Promise<T>): Promise<T> {
    try {
      return await work(session);
    } finally {
      await session.close();
    }
  }

  /** A counter the meter does not take is brought up to what the meter expects, once. */
  async #open(target: DlmsTarget): Promise<DlmsSession> {
    try {
      return await DlmsSession.open(this.#ports, target);
    } catch (error) {
      if (!isFault(error) || target.credentials.mechanism !== 'high-gmac') throw error;
      const expected = await this.#expectedCounter(target, error);
      if (expected === undefined) throw error;
      const key = counterKey(target);
      const sent = await this.#ports.counters.next(key);
      if (expected <= sent) throw error; // the counter was not what it minded
      await this.#ports.counters.follow(key, sent, expected);
      return DlmsSession.open(this.#ports, target);
    }
  }

  /** As the meter said, or, when it only hung up or kept silent, as its public client shows. */
  async #expectedCounter(target: DlmsTarget, fault: Fault): Promise<number | undefined> {
    if (fault.code === 'DLMS_COUNTER') return Number(fault.detail['expected']);
    if (fault.code !== 'DLMS_CLOSED' && fault.code !== 'DLMS_TIMEOUT') return undefined;
    const { credentials: _, ...rest } = target;
    const open: DlmsTarget = {
      ...rest,
      clientSap: PUBLIC_CLIENT,
      credentials: { mechanism: 'lowest' },
    };
    try {
      const session = await DlmsSession.open(this.#ports, open);
      const last = await this.#using(session, (s) => s.get(COUNTER_OBJECT));
      return anyInteger('double-long-unsigned').read(last) + 1;
    } catch (error) {
      if (!isFault(error)) throw error;
      return undefined;
    }
  }

  async #trying<T>(work: () => Promise<T>): Promise<T> {
    for (let tried = 1; ; tried += 1) {
      try {
        return await work();
      } catch (error) {
        if (!isFault(error) || !error.spec.retry || tried >= LIMITS.dlmsTriesMax) throw error;
        await this.#ports.clock.sleep(LIMITS.dlmsRetryPauseMs * 2 ** (tried - 1));
      }
    }
  }

  /** Meters have one client at a time; who comes second waits. */
  async #alone<T>(target: DlmsTarget, work: () => Promise<T>): Promise<T> {
    const before = this.#lanes.get(target.meter) ?? Promise.resolve();
    const mine = before.then(work, work);
    this.#lanes.set(target.meter, mine);
    try {
      return await mine;
    } finally {
      if (this.#lanes.get(target.meter) === mine) this.#lanes.delete(target.meter);
    }
  }
}

/** Reading back may fail without taking away what the method has answered. */
async function readBack(
  session: DlmsSession,
  instance: string | undefined,
): Promise<RelayState | undefined> {
  try {
    return await readRelay(session, instance);
  } catch (error) {
    if (!isFault(error)) throw error;
    return undefined;
  }
}
