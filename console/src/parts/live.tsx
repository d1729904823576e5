/** Whether what is shown is live, and the time it is from. */
import type { Loaded } from '../api/use-data.ts';
import { formatClock } from '../format/time.ts';
import { useText } from '../text/text.ts';
import { Badge } from './badge.tsx';

export function Live({ loaded, everyMs }: { loaded: Loaded<unknown>; everyMs: number }) {
  const { text, locale } = useText();
  const { asOfMs, problem } = loaded;
  if (asOfMs === undefined) return null;
  return (
    <p class="live">
      {problem === undefined ? (
        <Badge look="ok">{text.state.live(everyMs / 1_000)}</Badge>
      ) : (
        <Badge look="warn">{text.state.stale}</Badge>
      )}
      <span class="note">{text.state.asOf(formatClock(asOfMs, locale))}</span>
    </p>
  );
}
