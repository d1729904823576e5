/** Bounds on the shape of one Data, checked on the way in and on the way out. */
import { Fault, LIMITS } from '../../../domain/index.ts';

/** Throws DLMS_LIMIT for an array or structure of too many elements. */
export function checkCount(count: number): void {
  if (count <= LIMITS.dlmsElementsMax) return;
  throw new Fault('DLMS_LIMIT', {
    what: 'elements in one array',
    given: count,
    max: LIMITS.dlmsElementsMax,
  });
}

/** Throws DLMS_LIMIT beyond the deepest nesting; 1 is the outermost Data. */
export function checkDepth(depth: number): void {
  if (depth <= LIMITS.dlmsDepthMax) return;
  throw new Fault('DLMS_LIMIT', { what: 'nesting', given: depth, max: LIMITS.dlmsDepthMax });
}
