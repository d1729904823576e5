/** Goal: a bad line or a bad meter ends in a Fault in time, and no relay moves twice or in silence. */
import { describe, expect, it } from 'vitest';
import { type Fault, isFault, LIMITS } from '../../domain/index.ts';
import { CONTROL_MODES } from '../../simulators/dlms-meter/disconnect-control.ts';
import { BAD_LINE } from '../../simulators/dlms-meter/meter-faults.ts';
import { breakerOperations } from '../../simulators/judge.ts';
import { type DlmsBench, FRAMINGS, NOON, withBench } from '../support/dlms.ts';

const NAME = { classId: 1, instance: '0-0:42.0.0', attributeId: 2 };
/** Waiting goes this much faster than for people. */
const RATE = 20;
const ANSWER_MS = 4_000;

async function faultOf(work: Promise<unknown>): Promise<{ fault: Fault; tookMs: number }> {
  const beganMs = performance.now();
  try {
    await work;
  } catch (error) {
    if (isFault(error)) return { fault: error, tookMs: (performance.now() - beganMs) * RATE };
    throw error;
  }
  throw new Error('no fault');
}

function readName({ driver, target }: DlmsBench, answerMs = ANSWER_MS): Promise<unknown> {
  return driver.read({ ...target(), answerMs }, (s) => s.get(NAME));
}

describe.each(FRAMINGS)('a bad line over %s', (framing) => {
  it('what is lost once is got all the same', async () => {
    await withBench({ framing, rate: RATE }, async (bench) => {
      await readName(bench);
      const { connections } = bench.host;
      bench.meter.faults.tell('none', 'none', 'drop');
      expect(await readName(bench)).toMatchObject({ type: 'octet-string' });
      // HDLC asks again on the same link; the wrapper cannot, so the session is done again.
      expect(bench.host.connections - connections).toBe(framing === 'hdlc' ? 1 : 2);
    });
  });

  it('a meter that hangs up is asked again', async () => {
    await withBench({ framing, rate: RATE }, async (bench) => {
      bench.meter.faults.tell('none', 'none', 'close');
      expect(await readName(bench)).toMatchObject({ type: 'octet-string' });
    });
  });

  it('a slow answer within the bound is waited for', async () => {
    await withBench({ framing, rate: RATE, meters: [{ slowMs: 2_000 }] }, async (bench) => {
      bench.meter.faults.tell('none', 'none', 'slow');
      expect(await readName(bench, 10_000)).toMatchObject({ type: 'octet-string' });
      expect(bench.host.connections).toBe(1);
    });
  });

  it('a silent meter ends in a fault, in time', async () => {
    await withBench({ framing, rate: RATE }, async (bench) => {
      bench.meter.faults.line = 'dead';
      const { fault, tookMs } = await faultOf(readName(bench));
      expect(fault.code).toMatch(/^(DLMS|HDLC)_TIMEOUT$/);
      // Each try: the session, and once more to look at the counter.
      const pauses = LIMITS.dlmsRetryPauseMs * 3;
      const budget = LIMITS.dlmsTriesMax * 2 * (ANSWER_MS + LIMITS.dlmsReleaseMs) + pauses;
      expect(tookMs).toBeLessThan(budget * 1.5);
    });
  });

  it('a meter that is not there ends in a fault', async () => {
    await withBench({ framing, rate: RATE }, async (bench) => {
      await bench.host.close();
      const { fault } = await faultOf(readName(bench));
      expect(fault.code).toBe('DLMS_CONNECT');
    });
  });

  it('a month on a bad line: every session ends in the truth or in a fault', async () => {
    const meters = [{ seed: 'bad', faults: BAD_LINE, slowMs: 300, historyDays: 2 }];
    await withBench({ framing, rate: RATE, meters }, async (bench) => {
      const toMs = Math.floor(NOON / 900_000) * 900_000;
      const range = { fromMs: toMs - 20 * 900_000, toMs };
      const target = { ...bench.target(), answerMs: ANSWER_MS };
      const good = await bench.driver.collectProfile(bench.target('reading'), range);
      const outcomes = { truth: 0, fault: 0 };
      for (let i = 0; i < 20; i += 1) {
        try {
          const { blocks } = await bench.driver.collectProfile(target, range);
          expect(blocks).toEqual(good.blocks);
          outcomes.truth += 1;
        } catch (error) {
          if (!isFault(error)) throw error;
          outcomes.fault += 1;
        }
      }
      expect(outcomes.truth).toBeGreaterThanOrEqual(15);
    });
  });
});

describe('HDLC', () => {
  it('a frame with a wrong FCS is asked for again on the same link', async () => {
    await withBench({ framing: 'hdlc', rate: RATE }, async (bench) => {
      bench.meter.faults.tell('wrong-fcs', 'none', 'wrong-fcs');
      expect(await readName(bench)).toMatchObject({ type: 'octet-string' });
      expect(bench.host.connections).toBe(1);
    });
  });

  it('a line that damages every frame ends in a fault', async () => {
    await withBench({ framing: 'hdlc', rate: RATE }, async (bench) => {
      bench.meter.faults.line = 'noisy';
      const { fault } = await faultOf(readName(bench));
      expect(fault.code).toMatch(/^(DLMS|HDLC)_TIMEOUT$/);
    });
  });
});

describe('the relay', () => {
  /** What the driver reports for disconnect, then connect, in each control mode. */
  const EXPECTED = {
    0: ['not-done', 'done'], // always connected
    1: ['done', 'ready'],
    2: ['done', 'done'],
    3: ['done', 'ready'],
    4: ['done', 'done'],
    5: ['done', 'ready'],
    6: ['done', 'ready'],
  } as const;

  it.each(CONTROL_MODES.flatMap((mode) => FRAMINGS.map((framing) => [mode, framing] as const)))(
    'in mode %i over %s is read back after each switch',
    async (controlMode, framing) => {
      await withBench({ framing, meters: [{ controlMode }] }, async (bench) => {
        const { driver, target, meter } = bench;
        const cut = await driver.switchRelay(target(), 'disconnect');
        const joined = await driver.switchRelay(target(), 'connect');
        expect([cut.outcome, joined.outcome]).toEqual(EXPECTED[controlMode]);
        expect(cut.before).toEqual({ output: 'closed', control: 'closed', mode: controlMode });
        if (joined.outcome !== 'ready') return;
        expect([meter.relay.closed, joined.after?.control]).toEqual([false, 'ready']);
        meter.operate('manual-reconnect');
        expect(meter.relay.closed).toBe(true);
      });
    },
  );

  it('a stuck contact is seen, whatever the state says', async () => {
    await withBench({}, async ({ driver, target, meter, log }) => {
      meter.relay.fault = 'stuck';
      const report = await driver.switchRelay(target(), 'disconnect');
      expect(report).toMatchObject({
        answer: 'taken',
        outcome: 'not-done',
        after: { output: 'closed', control: 'open' },
      });
      expect(log.events.filter((e) => e.kind === 'breaker')).toEqual([]);
    });
  });

  it('a refusal is told with its reason', async () => {
    await withBench({}, async ({ driver, target, meter }) => {
      meter.relay.fault = 'refusing';
      expect(await driver.switchRelay(target(), 'disconnect')).toMatchObject({
        answer: 'refused',
        reason: 'hardware-fault',
        outcome: 'not-done',
      });
    });
  });

  it.each(['drop', 'close'] as const)(
    'an answer lost by %s: read back, never sent again',
    async (fault) => {
      await withBench({ rate: RATE }, async ({ driver, target, meter, log }) => {
        // AARE, HLS, the state before, then the answer to the ACTION.
        meter.faults.tell('none', 'none', 'none', fault);
        const report = await driver.switchRelay({ ...target(), answerMs: ANSWER_MS }, 'disconnect');
        expect(report).toMatchObject({ answer: 'unknown', outcome: 'done' });
        const commands = log.events.filter((e) => e.kind === 'command');
        expect(commands.length).toBe(1);
        expect([...breakerOperations(log.events).values()]).toEqual([1]);
      });
    },
  );

  it('a meter that falls silent leaves the outcome open', async () => {
    await withBench({ rate: RATE }, async ({ driver, target, meter, log }) => {
      meter.relay.fault = 'stuck';
      meter.faults.tell('none', 'none', 'none', 'drop');
      const work = driver.switchRelay({ ...target(), answerMs: 1_000 }, 'disconnect');
      while (!log.events.some((e) => e.kind === 'command')) await bench5ms();
      meter.faults.line = 'dead';
      expect(await work).toMatchObject({ answer: 'unknown', outcome: 'indeterminate' });
      expect(log.events.filter((e) => e.kind === 'command').length).toBe(1);
    });
  });
});

function bench5ms(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 5));
}
