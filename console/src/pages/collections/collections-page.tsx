/** Collection cases, newest first; those that wait for a person can be asked for alone. */
import type { CollectionCase } from '../../api/types.ts';
import { usePages } from '../../api/use-pages.ts';
import { CASE_LOOK } from '../../format/status.ts';
import { formatInstant } from '../../format/time.ts';
import { Badge } from '../../parts/badge.tsx';
import { More } from '../../parts/more.tsx';
import { Page } from '../../parts/page.tsx';
import { Panel } from '../../parts/panel.tsx';
import { Table } from '../../parts/table.tsx';
import { href, setQuery } from '../../router.ts';
import { useText } from '../../text/text.ts';

const PAGE_ROWS = 50;

interface Body {
  readonly items: readonly CollectionCase[];
  readonly nextCursor: string | null;
}

export function CollectionsPage({ query }: { readonly query: URLSearchParams }) {
  const { text } = useText();
  const state = query.get('state') ?? '';
  const waiting = query.get('person') === '1';
  const filter = [
    ...(state === '' ? [] : [`state=${encodeURIComponent(state)}`]),
    ...(waiting ? ['needsPerson=true'] : []),
  ];
  const pages = usePages<Body, CollectionCase>(
    `/v1/collections/cases?${[`limit=${PAGE_ROWS}`, ...filter].join('&')}`,
    'cursor',
    (body) => ({ rows: body.items, next: body.nextCursor }),
  );
  const empty = filter.length === 0 ? text.collections.empty : text.collections.nothing;
  return (
    <Page title={text.collections.title}>
      <Panel title={text.collections.cases} class="list" titleHidden>
        <Filters state={state} waiting={waiting} />
        {pages.rows.length > 0 && <CaseTable rows={pages.rows} />}
        <More pages={pages} what={text.collections.title} empty={empty} />
      </Panel>
    </Page>
  );
}

function Filters({ state, waiting }: { readonly state: string; readonly waiting: boolean }) {
  const { text } = useText();
  const states = ['', ...Object.keys(CASE_LOOK)];
  return (
    <div class="filters">
      <nav class="tabs" aria-label={text.commands.state}>
        <ul>
          {states.map((name) => (
            <li key={name}>
              <a
                href={href(['collections'], { state: name, ...(waiting && { person: '1' }) })}
                {...(state === name && { 'aria-current': 'true' as const })}
              >
                {name === '' ? text.commands.all : (text.caseState[name] ?? name)}
              </a>
            </li>
          ))}
        </ul>
      </nav>
      <label>
        <input
          type="checkbox"
          checked={waiting}
          onChange={(e) => setQuery({ person: e.currentTarget.checked ? '1' : undefined })}
        />{' '}
        {text.collections.needsPerson}
      </label>
    </div>
  );
}

function CaseTable({ rows }: { readonly rows: readonly CollectionCase[] }) {
  const { text, locale } = useText();
  return (
    <Table
      caption={text.collections.caption}
      captionHidden
      rows={rows}
      keyOf={(row) => row.id}
      columns={[
        {
          head: text.bills.account,
          cell: (row) => (
            <a class="id" href={href(['collections', row.account])}>
              {row.account}
            </a>
          ),
        },
        { head: text.commands.state, cell: (row) => <CaseBadge state={row.state} /> },
        {
          head: text.collections.waits,
          cell: (row) =>
            row.needsPerson ? <Badge look="warn">{text.collections.person}</Badge> : '—',
        },
        { head: text.commands.why, wide: true, cell: (row) => row.reason ?? '—' },
        { head: text.collections.branch, cell: (row) => row.branch },
        {
          head: text.collections.plan,
          cell: (row) => `${row.plan.code}, ${text.invoice.revision(String(row.plan.revision))}`,
        },
        { head: text.collections.opened, cell: (row) => formatInstant(row.openedAt, locale) },
        { head: text.collections.changed, cell: (row) => formatInstant(row.changedAt, locale) },
      ]}
    />
  );
}

export function CaseBadge({ state }: { readonly state: string }) {
  const { text } = useText();
  return <Badge look={CASE_LOOK[state] ?? 'unknown'}>{text.caseState[state] ?? state}</Badge>;
}
