/** Lines of a file in an envelope's locator: 'in/march.csv#L2,L7-L31', in the order of its bytes. */
export interface LineRange {
  /** From 1. */
  readonly from: number;
  /** Inclusive. */
  readonly to: number;
}

export function encodeLocator(path: string, ranges: readonly LineRange[]): string {
  const said = ranges.map(({ from, to }) => (from === to ? `L${from}` : `L${from}-L${to}`));
  return `${path}#${said.join(',')}`;
}

const LOCATOR = /#(L\d+(?:-L\d+)?(?:,L\d+(?:-L\d+)?)*)$/;

/** Undefined when the locator names no lines. */
export function lineRangesOf(locator: string): LineRange[] | undefined {
  const ranges = LOCATOR.exec(locator)?.[1];
  return ranges?.split(',').map((range) => {
    const [from = 0, to = from] = range.match(/\d+/g)?.map(Number) ?? [];
    return { from, to };
  });
}

/** 'line 7' or 'lines 3-1002', as ingest/formats writes it. */
export function parsePlace(at: string): LineRange {
  const match = /^lines? (\d+)(?:-(\d+))?$/.exec(at);
  if (match === null) throw new Error(`block at '${at}' names no line`);
  const from = Number(match[1]);
  return { from, to: Number(match[2] ?? from) };
}
