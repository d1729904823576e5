/** Commands by state, and the switch that stops them all. */
import { useContext } from 'preact/hooks';
import type { Breaker, Command } from '../../api/types.ts';
import { usePages } from '../../api/use-pages.ts';
import { BreakerContext } from '../../breaker-context.ts';
import { formatCount } from '../../format/decimal.ts';
import { COMMAND_LOOK } from '../../format/status.ts';
import { formatInstant } from '../../format/time.ts';
import { Badge } from '../../parts/badge.tsx';
import { More } from '../../parts/more.tsx';
import { Page } from '../../parts/page.tsx';
import { Panel } from '../../parts/panel.tsx';
import { Table } from '../../parts/table.tsx';
import { href } from '../../router.ts';
import { useText } from '../../text/text.ts';
import { KillSwitchPanel } from './kill-switch-panel.tsx';

const PAGE_ROWS = 50;

interface Body {
  readonly items: readonly Command[];
  readonly nextCursor: string | null;
}

export function CommandsPage({ query }: { readonly query: URLSearchParams }) {
  const { text } = useText();
  const state = query.get('state') ?? '';
  const breaker = useContext(BreakerContext);
  const filter = state === '' ? '' : `&state=${encodeURIComponent(state)}`;
  const pages = usePages<Body, Command>(
    `/v1/commands?limit=${PAGE_ROWS}${filter}`,
    'cursor',
    (body) => ({ rows: body.items, next: body.nextCursor }),
  );
  const word = text.commandState[state] ?? state;
  return (
    <Page title={text.commands.title}>
      <KillSwitchPanel loaded={breaker} />
      <Panel title={text.commands.title} class="list">
        <StateFilter state={state} counts={breaker.data?.commands ?? {}} />
        {pages.rows.length > 0 && <CommandTable rows={pages.rows} />}
        <More
          pages={pages}
          what={text.commands.title}
          empty={state === '' ? text.commands.empty : text.commands.nothing(word)}
        />
      </Panel>
    </Page>
  );
}

interface FilterProps {
  readonly state: string;
  readonly counts: Breaker['commands'];
}

function StateFilter({ state, counts }: FilterProps) {
  const { text, locale } = useText();
  const link = (value: string, word: string, count: number | undefined) => (
    <li key={value}>
      <a
        href={href(['commands'], { state: value })}
        {...(state === value && { 'aria-current': 'true' as const })}
      >
        {word}
        {count !== undefined && <b> {formatCount(count, locale)}</b>}
      </a>
    </li>
  );
  return (
    <nav class="tabs" aria-label={text.commands.filter}>
      <ul>
        {link('', text.commands.all, undefined)}
        {Object.keys(COMMAND_LOOK).map((name) =>
          link(name, text.commandState[name] ?? name, counts[name] ?? 0),
        )}
      </ul>
    </nav>
  );
}

function CommandTable({ rows }: { readonly rows: readonly Command[] }) {
  const { text, locale } = useText();
  return (
    <Table
      caption={text.commands.caption}
      captionHidden
      rows={rows}
      keyOf={(row) => row.id}
      columns={[
        {
          head: text.commands.action,
          cell: (row) => (
            <a href={href(['commands', row.id])}>
              {text.commands.actions[row.action] ?? row.action}
            </a>
          ),
        },
        {
          head: text.commands.meter,
          cell: (row) => (
            <a class="id" href={href(['meters', row.meter])}>
              {row.meter}
            </a>
          ),
        },
        { head: text.commands.state, cell: (row) => <CommandBadge state={row.state} /> },
        {
          head: text.commands.requested,
          cell: (row) => formatInstant(row.requestedAt, locale),
        },
        { head: text.commands.by, cell: (row) => row.requestedBy },
        { head: text.commands.why, wide: true, cell: (row) => row.reason ?? '—' },
      ]}
    />
  );
}

export function CommandBadge({ state }: { readonly state: string }) {
  const { text } = useText();
  return <Badge look={COMMAND_LOOK[state] ?? 'unknown'}>{text.commandState[state] ?? state}</Badge>;
}
