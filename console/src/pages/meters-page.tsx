/** Find a meter. The server searches and pages; no view loads a fleet. */
import { useEffect, useState } from 'preact/hooks';
import type { Meter } from '../api/types.ts';
import { usePages } from '../api/use-pages.ts';
import { BREAKER_LOOK } from '../format/status.ts';
import { Badge } from '../parts/badge.tsx';
import { More } from '../parts/more.tsx';
import { Page } from '../parts/page.tsx';
import { Panel } from '../parts/panel.tsx';
import { Table } from '../parts/table.tsx';
import { href, setQuery } from '../router.ts';
import { useText } from '../text/text.ts';

const PAGE_ROWS = 50;
const TYPING_MS = 250;

interface Body {
  readonly meters: readonly Meter[];
  readonly next: string | null;
}

export function MetersPage({ query }: { readonly query: URLSearchParams }) {
  const { text } = useText();
  const search = query.get('q') ?? '';
  const filter = search === '' ? '' : `&search=${encodeURIComponent(search)}`;
  const pages = usePages<Body, Meter>(
    `/v1/meters?limit=${PAGE_ROWS}${filter}`,
    'after',
    (body) => ({
      rows: body.meters,
      next: body.next,
    }),
  );
  return (
    <Page title={text.meters.title}>
      <Panel title={text.meters.title} class="list" titleHidden>
        <Search search={search} />
        {pages.rows.length > 0 && <MeterTable rows={pages.rows} />}
        <More
          pages={pages}
          what={text.meters.title}
          empty={search === '' ? text.meters.empty : text.meters.nothing(search)}
        />
      </Panel>
    </Page>
  );
}

function Search({ search }: { readonly search: string }) {
  const { text } = useText();
  const [typed, setTyped] = useState(search);
  useEffect(() => setTyped(search), [search]);
  useEffect(() => {
    if (typed.trim() === search) return;
    const timer = setTimeout(() => setQuery({ q: typed.trim() }, true), TYPING_MS);
    return () => clearTimeout(timer);
  }, [typed, search]);
  return (
    <search class="filters">
      <label for="meter-search">{text.meters.search}</label>
      <input
        id="meter-search"
        type="search"
        maxLength={64}
        value={typed}
        aria-describedby="meter-search-hint"
        onInput={(e) => setTyped(e.currentTarget.value)}
      />
      <span class="note" id="meter-search-hint">
        {text.meters.searchHint}
      </span>
      {search !== '' && (
        <button type="button" onClick={() => setQuery({ q: undefined })}>
          {text.meters.clear}
        </button>
      )}
    </search>
  );
}

function MeterTable({ rows }: { readonly rows: readonly Meter[] }) {
  const { text } = useText();
  return (
    <Table
      caption={text.meters.caption}
      captionHidden
      rows={rows}
      keyOf={(row) => row.serial}
      columns={[
        {
          head: text.meters.serial,
          cell: (row) => (
            <a class="id" href={href(['meters', row.serial])}>
              {row.serial}
            </a>
          ),
        },
        { head: text.meters.place, cell: (row) => row.service_point ?? '—' },
        { head: text.meters.feeder, cell: (row) => row.feeder ?? '—' },
        { head: text.meters.account, cell: (row) => row.account ?? '—' },
        { head: text.meters.breaker, cell: (row) => <BreakerBadge meter={row} /> },
        { head: text.meters.protocol, cell: (row) => row.protocol },
        { head: text.meters.model, cell: (row) => row.model || '—' },
      ]}
    />
  );
}

export function BreakerBadge({ meter }: { readonly meter: Meter }) {
  const { text } = useText();
  if (!meter.has_breaker) return <>{text.meters.noBreaker}</>;
  const state = meter.breaker_state;
  return <Badge look={BREAKER_LOOK[state] ?? 'unknown'}>{text.breaker[state] ?? state}</Badge>;
}
