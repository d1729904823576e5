/** Simulated DLMS meters on real sockets with a driver beside them, in a time of their own. */
import { type Clock, cryptoRandom } from '../../domain/index.ts';
import { type CounterStore, memoryCounterStore } from '../../gateway/drivers/dlms/counters.ts';
import { DlmsDriver } from '../../gateway/drivers/dlms/driver.ts';
import type { Credentials, DlmsTarget } from '../../gateway/drivers/dlms/target.ts';
import { DlmsMeter, type DlmsMeterOptions } from '../../simulators/dlms-meter/meter.ts';
import { type DlmsHost, startDlmsHost } from '../../simulators/dlms-meter/server/host.ts';
import { memoryLog } from '../../simulators/meter-log.ts';

/** Wall time stands still until it is moved; waiting runs `rate` times as fast as for people. */
export class BenchClock implements Clock {
  #nowMs: number;
  readonly #rate: number;

  constructor(nowMs: number, rate = 1) {
    this.#nowMs = nowMs;
    this.#rate = rate;
  }

  nowMs(): number {
    return this.#nowMs;
  }

  monotonicMs(): number {
    return performance.now() * this.#rate;
  }

  async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const stop = () => {
        clearTimeout(timer);
        reject(signal?.reason);
      };
      const timer = setTimeout(() => {
        signal?.removeEventListener('abort', stop);
        resolve();
      }, ms / this.#rate);
      signal?.addEventListener('abort', stop);
    });
  }

  moveTo(ms: number): void {
    this.#nowMs = ms;
  }

  move(ms: number): void {
    this.#nowMs += ms;
  }
}

export type Framing = 'wrapper' | 'hdlc';
export const FRAMINGS: readonly Framing[] = ['wrapper', 'hdlc'];
export const CLIENT_TITLE = Buffer.from('MLC00001');

export interface DlmsBench {
  readonly clock: BenchClock;
  readonly meters: readonly DlmsMeter[];
  readonly meter: DlmsMeter;
  readonly log: ReturnType<typeof memoryLog>;
  readonly host: DlmsHost;
  readonly driver: DlmsDriver;
  readonly counters: CounterStore;
  target(role?: 'management' | 'reading' | 'public', meter?: DlmsMeter): DlmsTarget;
  close(): Promise<void>;
}

export interface BenchOptions {
  readonly nowMs?: number;
  /** Of waiting; faults are tested faster than people wait. */
  readonly rate?: number;
  readonly framing?: Framing;
  readonly meters?: readonly Partial<DlmsMeterOptions>[];
}

export const NOON = Date.UTC(2026, 4, 12, 12, 3);

export async function dlmsBench(options: BenchOptions = {}): Promise<DlmsBench> {
  const clock = new BenchClock(options.nowMs ?? NOON, options.rate);
  const log = memoryLog();
  const framing = options.framing ?? 'wrapper';
  const meters = (options.meters ?? [{}]).map((plan, i) => {
    const serial = `SIM${i + 1}`;
    return new DlmsMeter({ serial, seed: `seed-${i}`, clock, log, ...plan });
  });
  const host = await startDlmsHost({ clock, framing, meters });
  const counters = memoryCounterStore();
  const driver = new DlmsDriver({ clock, random: cryptoRandom, counters });
  const first = meters[0] as DlmsMeter;
  return {
    clock,
    meters,
    meter: first,
    log,
    host,
    driver,
    counters,
    target(role = 'management', meter = first) {
      const address = host.addressOf(meter.serial);
      return {
        meter: meter.serial,
        host: '127.0.0.1',
        port: host.port,
        framing,
        clientSap: { management: 1, reading: 2, public: 16 }[role],
        serverSap: framing === 'wrapper' ? address : 1,
        ...(framing === 'hdlc' && { physical: address }),
        credentials: credentialsOf(meter, role),
      };
    },
    close: () => host.close(),
  };
}

function credentialsOf(meter: DlmsMeter, role: string): Credentials {
  const { keys, password, systemTitle } = meter.secrets;
  if (role === 'public') return { mechanism: 'lowest' };
  if (role === 'reading') return { mechanism: 'low', password };
  return { mechanism: 'high-gmac', keys, clientTitle: CLIENT_TITLE, serverTitle: systemTitle };
}

/** Runs `work` with a bench and takes it down again. */
export async function withBench(
  options: BenchOptions,
  work: (bench: DlmsBench) => Promise<void>,
): Promise<void> {
  const bench = await dlmsBench(options);
  try {
    await work(bench);
  } finally {
    await bench.close();
  }
}
