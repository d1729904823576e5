/** In ten seconds: does everything add up, is the service ready, which days have holes. */
import type { Conservation } from '../../api/types.ts';
import { useData } from '../../api/use-data.ts';
import { Live } from '../../parts/live.tsx';
import { Page } from '../../parts/page.tsx';
import { useScope } from '../../session-context.ts';
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
  const readings = useScope('readings:read');
  const quarantine = useScope('quarantine:read');
  const conservation = useData<Conservation>(readings ? '/v1/conservation' : undefined, {
    refreshMs: FAST_MS,
  });
  return (
    <Page title={text.overview.title} aside={<Live loaded={conservation} everyMs={FAST_MS} />}>
      <div class="grid">
        {readings && <ConservationPanel loaded={conservation} />}
        {readings && <CompletenessPanel everyMs={SLOW_MS} />}
        <ReadinessPanel everyMs={FAST_MS} />
        {readings && <ExceptionsPanel everyMs={SLOW_MS} />}
        {quarantine && <QuarantinePanel everyMs={SLOW_MS} />}
      </div>
    </Page>
  );
}
