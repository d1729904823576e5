/** One command from request to read-back: every step with its time, its actor and its reason. */
import type { CommandDetail, CommandEvent } from '../../api/types.ts';
import { useData } from '../../api/use-data.ts';
import { COMMAND_LOOK } from '../../format/status.ts';
import { formatInstant } from '../../format/time.ts';
import { Detail } from '../../parts/detail.tsx';
import { Facts } from '../../parts/facts.tsx';
import { Json } from '../../parts/json.tsx';
import { Page } from '../../parts/page.tsx';
import { DataPanel, Panel } from '../../parts/panel.tsx';
import { href } from '../../router.ts';
import { useText } from '../../text/text.ts';
import { CommandBadge } from './commands-page.tsx';

const EVERY_MS = 3_000;

export function CommandPage({ id }: { readonly id: string }) {
  const { text } = useText();
  const loaded = useData<CommandDetail>(`/v1/commands/${encodeURIComponent(id)}`, {
    refreshMs: EVERY_MS,
  });
  const command = loaded.data;
  const action = command === undefined ? '' : text.commands.actions[command.action];
  const title =
    command === undefined
      ? text.commands.title
      : text.command.title(action ?? command.action, command.meter);
  return (
    <Page title={title}>
      <DataPanel title={text.command.facts} loaded={loaded} class="identity">
        {(data) => <Head command={data} />}
      </DataPanel>
      {command !== undefined && (
        <>
          <Panel title={text.command.timeline}>
            <Timeline events={command.events} />
          </Panel>
          <Panel title={text.command.decision}>
            <Json value={command.decision} />
          </Panel>
        </>
      )}
    </Page>
  );
}

function Head({ command }: { readonly command: CommandDetail }) {
  const { text, locale } = useText();
  const at = (iso: string | null) => (iso === null ? null : formatInstant(iso, locale));
  const byAt = (by: string | null, iso: string | null) =>
    iso === null ? null : `${at(iso)}${by === null ? '' : ` ${text.command.by(by)}`}`;
  return (
    <Facts
      facts={[
        [text.commands.state, <CommandBadge state={command.state} />],
        [text.commands.why, command.reason],
        [
          text.commands.meter,
          <a class="id" href={href(['meters', command.meter])}>
            {command.meter}
          </a>,
        ],
        [text.commands.requested, byAt(command.requestedBy, command.requestedAt)],
        [text.command.approved, byAt(command.approvedBy, command.approvedAt)],
        [text.command.sent, byAt(command.sentBy, command.sentAt)],
        [
          text.command.window,
          text.command.between(at(command.notBefore) ?? '', at(command.notAfter) ?? ''),
        ],
        [text.command.confirmed, at(command.confirmedAt)],
        [text.command.result, <Json value={command.result} />],
        [text.commands.id, <code>{command.id}</code>],
      ]}
    />
  );
}

function Timeline({ events }: { readonly events: readonly CommandEvent[] }) {
  const { text, locale } = useText();
  return (
    <ol class="timeline">
      {events.map((event) => (
        <li key={event.seq} class={`step-${COMMAND_LOOK[event.to] ?? 'unknown'}`}>
          <p>
            <CommandBadge state={event.to} /> {text.command.by(event.actor)}{' '}
            <time class="note" dateTime={event.at}>
              {formatInstant(event.at, locale)}
            </time>
          </p>
          <Detail detail={event.detail} />
        </li>
      ))}
    </ol>
  );
}
