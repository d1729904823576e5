/** The meter's clock, class 8: read, compare with ours, set. */
import { Fault } from '../../../domain/index.ts';
import {
  CLOCK_STATUS,
  type CosemDateTime,
  dateTimeAt,
  instantMs,
} from '../../protocols/dlms/datetime.ts';
import { dateTime } from '../../protocols/dlms/shape.ts';
import type { DlmsSession } from './session.ts';

const CLOCK = { classId: 8, instance: '0-0:1.0.0', attributeId: 2 } as const;

export interface MeterTime {
  readonly dateTime: CosemDateTime;
  /** What the meter takes for the time, epoch ms. */
  readonly meterMs: number;
  /** Meter's time less ours; positive = the meter is fast. Good to `uncertainMs`. */
  readonly driftMs: number;
  /** Half of the time the question and its answer took, and the meter's own resolution. */
  readonly uncertainMs: number;
  readonly deviationMinutes: number;
  /** The meter itself does not trust its clock. */
  readonly doubtful: boolean;
}

const RESOLUTION_MS = 1_000;

export async function readClock(session: DlmsSession): Promise<MeterTime> {
  const beganMs = session.clock.monotonicMs();
  const value = dateTime.read(await session.get(CLOCK));
  const tookMs = session.clock.monotonicMs() - beganMs;
  const configured = session.target.deviationMinutes;
  const meterMs = instantMs(value, configured);
  const deviationMinutes = value.deviationMinutes ?? configured;
  if (meterMs === undefined || deviationMinutes === undefined) {
    throw new Fault('DLMS_VALUE', { what: 'clock', detail: 'it names no instant' });
  }
  const status = value.status ?? 0;
  return {
    dateTime: value,
    meterMs,
    driftMs: Math.round(meterMs - (session.clock.nowMs() - tookMs / 2)),
    uncertainMs: Math.ceil(tookMs / 2) + RESOLUTION_MS,
    deviationMinutes,
    doubtful: (status & (CLOCK_STATUS.invalid | CLOCK_STATUS.doubtful)) !== 0,
  };
}

/**
 * Sets the clock to ours, in the meter's present deviation. Intervals around a clock that was set
 * are marked by the meter; small drifts are better left to `shift_time` of the meter's own synch.
 */
export async function setClock(session: DlmsSession, deviationMinutes: number): Promise<void> {
  const now = dateTimeAt(session.clock.nowMs(), deviationMinutes, 0);
  await session.set(CLOCK, dateTime.write({ ...now, status: undefined }));
}
