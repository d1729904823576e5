/** The kill switch: its state, who set it, and the one button that must always be near. */
import { useRef } from 'preact/hooks';
import type { Breaker } from '../../api/types.ts';
import type { Loaded } from '../../api/use-data.ts';
import { formatInstant } from '../../format/time.ts';
import { Badge } from '../../parts/badge.tsx';
import { DataPanel } from '../../parts/panel.tsx';
import { useScope } from '../../session-context.ts';
import { useText } from '../../text/text.ts';
import { StopDialog } from './stop-dialog.tsx';

export function KillSwitchPanel({ loaded }: { readonly loaded: Loaded<Breaker> }) {
  const { text, locale } = useText();
  const dialog = useRef<HTMLDialogElement>(null);
  const may = useScope('breaker:kill');
  return (
    <DataPanel title={text.kill.title} loaded={loaded} class="kill">
      {({ killSwitch: { on, setBy, setAt } }) => {
        const blocked = on ? text.kill.already : may ? undefined : text.kill.needsScope;
        return (
          <div class="kill-body">
            <div>
              <p>
                <Badge look={on ? 'danger' : 'ok'}>
                  {on ? text.kill.stopped : text.kill.running}
                </Badge>
              </p>
              <p>{on ? text.kill.stoppedNote : text.kill.runningNote}</p>
              {setBy !== null && setAt !== null && (
                <p class="note">{text.kill.setBy(setBy, formatInstant(setAt, locale))}</p>
              )}
            </div>
            <div>
              <button
                type="button"
                class="danger"
                disabled={blocked !== undefined}
                aria-describedby="kill-blocked"
                onClick={() => dialog.current?.showModal()}
              >
                {text.kill.stop}
              </button>
              <p class="note" id="kill-blocked">
                {blocked ?? ''}
              </p>
            </div>
            <StopDialog dialog={dialog} onStopped={loaded.reload} />
          </div>
        );
      }}
    </DataPanel>
  );
}
