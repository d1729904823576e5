/**
 * What a profile holds: its capture objects, their scalers and units, its period. Read from the
 * meter, never assumed, and remembered: it changes with the meter's configuration only.
 */
import { Fault, LIMITS } from '../../../domain/index.ts';
import { type CaptureObject, captureObjects, scalerUnit } from '../../protocols/dlms/profile.ts';
import { anyInteger } from '../../protocols/dlms/shape.ts';
import type { DlmsSession } from './session.ts';
import type { ScalerUnit } from './units.ts';

export interface Column extends CaptureObject {
  /** Absent where the object has none: clock, status. */
  readonly scale?: ScalerUnit | undefined;
}

export interface ProfileLayout {
  readonly instance: string;
  readonly columns: readonly Column[];
  /** 0 = captured on events. */
  readonly periodS: number;
}

const PROFILE_CLASS = 7;
/** Class and attribute that holds the scaler and unit of a captured value. */
const SCALED: Readonly<Record<number, number>> = { 3: 3, 4: 3, 5: 4 };

export async function readLayout(session: DlmsSession, instance: string): Promise<ProfileLayout> {
  const at = (attributeId: number) => ({ classId: PROFILE_CLASS, instance, attributeId });
  const captures = captureObjects.read(await session.get(at(3)));
  const periodS = anyInteger('double-long-unsigned').read(await session.get(at(4)));
  if (captures.length === 0 || captures.length > LIMITS.dlmsColumnsMax) {
    throw new Fault('DLMS_PROFILE', { instance, detail: `${captures.length} capture objects` });
  }
  const columns = await readScales(session, captures);
  return { instance, columns, periodS };
}

/** Scalers of all captured registers, one request where the meter allows it. */
async function readScales(
  session: DlmsSession,
  captures: readonly CaptureObject[],
): Promise<readonly Column[]> {
  const scaled = captures.filter(({ classId, attributeId }) => scaledBy(classId, attributeId));
  const results = await session.getList(
    scaled.map(({ classId, instance }) => ({
      classId,
      instance,
      attributeId: SCALED[classId] as number,
      selection: undefined,
    })),
  );
  return captures.map((capture) => {
    const result = results[scaled.indexOf(capture)];
    if (result === undefined || 'error' in result) return capture;
    return { ...capture, scale: scalerUnit.read(result.data) };
  });
}

function scaledBy(classId: number, attributeId: number): boolean {
  return (
    SCALED[classId] !== undefined && (attributeId === 2 || (classId === 5 && attributeId === 3))
  );
}

/** Layouts by meter and profile, read again once a day; the oldest go first. */
export class LayoutCache {
  readonly #layouts = new Map<
    string,
    { readonly layout: ProfileLayout; readonly readMs: number }
  >();

  async of(session: DlmsSession, instance: string): Promise<ProfileLayout> {
    const key = keyOf(session, instance);
    const now = session.clock.monotonicMs();
    const known = this.#layouts.get(key);
    if (known !== undefined && now - known.readMs < LIMITS.dlmsLayoutAgeMs) return known.layout;
    this.#layouts.delete(key);
    const layout = await readLayout(session, instance);
    if (this.#layouts.size >= LIMITS.dlmsCatalogEntriesMax) {
      this.#layouts.delete(this.#layouts.keys().next().value as string);
    }
    this.#layouts.set(key, { layout, readMs: now });
    return layout;
  }

  /** The rows do not look like the layout any more. */
  forget(session: DlmsSession, instance: string): void {
    this.#layouts.delete(keyOf(session, instance));
  }
}

function keyOf(session: DlmsSession, instance: string): string {
  return `${session.target.meter}/${instance}`;
}
