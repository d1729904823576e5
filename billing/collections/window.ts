/** The next stretch of time in which a cut is lawful at the place. */
import { type LegalWindow, outsideWindow } from '../../db/legal-window.ts';
import { LIMITS, MINUTE_MS } from '../../domain/index.ts';

export interface CutWindow {
  readonly fromMs: number;
  readonly toMs: number;
}

/** Zones lie on quarter hours from UTC, so windows begin and end on them. */
const QUARTER_MS = 15 * MINUTE_MS;

/**
 * From now or the beginning of the next window, whichever is later, to that window's end; undefined
 * when none of a useful length begins within LIMITS.collectionLeadMsMax.
 */
export function nextWindow(
  window: LegalWindow,
  timeZone: string,
  nowMs: number,
): CutWindow | undefined {
  const open = (atMs: number) => outsideWindow(window, atMs, timeZone) === undefined;
  const next = (atMs: number) => (Math.floor(atMs / QUARTER_MS) + 1) * QUARTER_MS;
  let atMs = nowMs;
  while (atMs <= nowMs + LIMITS.collectionLeadMsMax) {
    if (!open(atMs)) {
      atMs = next(atMs);
      continue;
    }
    const fromMs = atMs;
    while (open(atMs) && atMs < fromMs + LIMITS.collectionLeadMsMax) atMs = next(atMs);
    if (atMs - fromMs >= LIMITS.collectionWindowMsMin) return { fromMs, toMs: atMs };
  }
  return undefined;
}
