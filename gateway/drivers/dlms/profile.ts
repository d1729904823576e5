/** Reading a profile: by range with the layout known, filtered again on our side. */
import { Fault, isFault, LIMITS } from '../../../domain/index.ts';
import { dateTimeAt } from '../../protocols/dlms/datetime.ts';
import { expandRows, selectEntries, selectRange } from '../../protocols/dlms/profile.ts';
import { anyInteger } from '../../protocols/dlms/shape.ts';
import type { Data } from '../../protocols/dlms/types.ts';
import type { Row } from './intervals.ts';
import type { LayoutCache, ProfileLayout } from './layouts.ts';
import type { DlmsSession } from './session.ts';

export interface ProfileRows {
  readonly layout: ProfileLayout;
  readonly rows: readonly Row[];
}

const PROFILE_CLASS = 7;
const buffer = (instance: string) => ({ classId: PROFILE_CLASS, instance, attributeId: 2 });

/**
 * Rows captured in [fromMs, toMs]. Bounds go out in the meter's present deviation; a meter that
 * knows no selective access is read whole. Rows outside may come too: the caller filters by time.
 */
export async function readRange(
  session: DlmsSession,
  layouts: LayoutCache,
  instance: string,
  range: { readonly fromMs: number; readonly toMs: number; readonly deviationMinutes: number },
): Promise<ProfileRows> {
  const layout = await layouts.of(session, instance);
  checkRows(layout, range.fromMs, range.toMs);
  const { fromMs, toMs, deviationMinutes } = range;
  const from = dateTimeAt(fromMs, deviationMinutes, 0);
  const to = dateTimeAt(toMs, deviationMinutes, 0);
  // Some meters compare the day of the week too, where it is given.
  const bounds = [from, to].map((t) => ({ ...t, status: undefined })) as [typeof from, typeof to];
  const selection = session.can('selective-access') ? selectRange(...bounds) : undefined;
  const data = await session.get(buffer(instance), selection);
  try {
    return { layout, rows: rowsOf(data, layout) };
  } catch (error) {
    if (!isFault(error, 'DLMS_PROFILE')) throw error;
    // The meter may have been given other capture objects since.
    layouts.forget(session, instance);
    const fresh = await layouts.of(session, instance);
    return { layout: fresh, rows: rowsOf(data, fresh) };
  }
}

export interface ProfileState {
  readonly entriesInUse: number;
  readonly entriesMax: number;
  /** The oldest entry still there. */
  readonly oldest: Row | undefined;
  readonly layout: ProfileLayout;
}

/** How full the meter's memory is and what it will overwrite next. */
export async function readProfileState(
  session: DlmsSession,
  layouts: LayoutCache,
  instance: string,
): Promise<ProfileState> {
  const layout = await layouts.of(session, instance);
  const at = (attributeId: number) => ({ classId: PROFILE_CLASS, instance, attributeId });
  const count = anyInteger('double-long-unsigned');
  const entriesInUse = count.read(await session.get(at(7)));
  const entriesMax = count.read(await session.get(at(8)));
  if (entriesInUse === 0) return { entriesInUse, entriesMax, oldest: undefined, layout };
  const first = { fromEntry: 1, toEntry: 1, fromColumn: 1, toColumn: 0 };
  const data = await session.get(buffer(instance), selectEntries(first));
  return { entriesInUse, entriesMax, oldest: rowsOf(data, layout)[0], layout };
}

/** The newest `count` rows. */
export async function readNewest(
  session: DlmsSession,
  layouts: LayoutCache,
  instance: string,
  count: number,
): Promise<ProfileRows> {
  const layout = await layouts.of(session, instance);
  const inUse = { classId: PROFILE_CLASS, instance, attributeId: 7 };
  const entries = anyInteger('double-long-unsigned').read(await session.get(inUse));
  if (entries === 0) return { layout, rows: [] };
  const fromEntry = Math.max(1, entries - Math.min(count, LIMITS.dlmsProfileRowsMax) + 1);
  const chosen = { fromEntry, toEntry: entries, fromColumn: 1, toColumn: 0 };
  const data = await session.get(buffer(instance), selectEntries(chosen));
  return { layout, rows: rowsOf(data, layout) };
}

function rowsOf(data: Data, layout: ProfileLayout): readonly Row[] {
  const { instance, columns, periodS } = layout;
  const rows = expandRows(data, columns, periodS);
  const odd = rows.find((row) => row.length !== columns.length);
  if (odd === undefined) return rows;
  const detail = `a row has ${odd.length} cells, ${columns.length} are captured`;
  throw new Fault('DLMS_PROFILE', { instance, detail });
}

function checkRows({ instance, periodS }: ProfileLayout, fromMs: number, toMs: number): void {
  if (!(toMs >= fromMs)) throw new Fault('DLMS_PROFILE', { instance, detail: 'range ends first' });
  if (periodS === 0) return;
  const rows = Math.ceil((toMs - fromMs) / (periodS * 1_000)) + 1;
  if (rows <= LIMITS.dlmsProfileRowsMax) return;
  const max = LIMITS.dlmsProfileRowsMax;
  throw new Fault('DLMS_LIMIT', { what: 'rows of a profile', given: rows, max });
}
