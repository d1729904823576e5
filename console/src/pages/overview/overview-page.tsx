/** In ten seconds: does everything add up, is the service ready, which days have holes. */
import type { Conservation } from '../../api/types.ts';
import { useData } from '../../api/use-data.ts';
import { Live } from '../../parts/live.tsx';
import { Page } from '../../parts/page.tsx';
import { useText } from '../../text/text.ts';
import { CompletenessPanel } from './completeness-panel.tsx';
import { ConservationPanel } from './conservation-panel.tsx';
import { ExceptionsPanel } from './exceptions-panel.tsx';
import { QuarantinePanel } from './quarantine-panel.tsx';
import { ReadinessPanel } from './readiness-panel.tsx';

const FAST_MS = 3_000;
const SLOW_MS = 15_000;

export function OverviewPage() {
  const { text } = useText();
  const conservation = useData<Conservation>('/v1/conservation', { refreshMs: FAST_MS });
  return (
    <Page title={text.overview.title} aside={<Live loaded={conservation} everyMs={FAST_MS} />}>
      <div class="grid">
        <ConservationPanel loaded={conservation} />
        <CompletenessPanel everyMs={SLOW_MS} />
        <ReadinessPanel everyMs={FAST_MS} />
        <ExceptionsPanel everyMs={SLOW_MS} />
        <QuarantinePanel everyMs={SLOW_MS} />
      </div>
    </Page>
  );
}
