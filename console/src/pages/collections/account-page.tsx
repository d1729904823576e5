/** One account in collections: its open case, its holds, and everything that happened to it. */
import type { AccountCollections } from '../../api/types.ts';
import { useData } from '../../api/use-data.ts';
import { formatInstant } from '../../format/time.ts';
import { Badge } from '../../parts/badge.tsx';
import { Detail } from '../../parts/detail.tsx';
import { Facts } from '../../parts/facts.tsx';
import { Page } from '../../parts/page.tsx';
import { DataPanel, Panel } from '../../parts/panel.tsx';
import { Table } from '../../parts/table.tsx';
import { href } from '../../router.ts';
import { useText } from '../../text/text.ts';
import { CaseBadge } from './collections-page.tsx';

export function AccountPage({ id }: { readonly id: string }) {
  const { text } = useText();
  const loaded = useData<AccountCollections>(`/v1/accounts/${encodeURIComponent(id)}/collections`);
  return (
    <Page title={text.collections.account(id)}>
      <DataPanel title={text.collections.openCase} loaded={loaded} class="identity">
        {(data) => <OpenCase data={data} />}
      </DataPanel>
      {loaded.data !== undefined && (
        <>
          <Holds holds={loaded.data.holds} />
          <Panel title={text.command.timeline}>
            <Timeline entries={loaded.data.timeline} />
          </Panel>
        </>
      )}
    </Page>
  );
}

function OpenCase({ data }: { readonly data: AccountCollections }) {
  const { text, locale } = useText();
  const found = data.case;
  const bills = <a href={href(['bills'], { account: data.account })}>{text.bills.title}</a>;
  if (found === null) {
    return (
      <p>
        <Badge look="ok">{text.collections.noCase}</Badge> {bills}
      </p>
    );
  }
  return (
    <Facts
      facts={[
        [text.commands.state, <CaseBadge state={found.state} />],
        [text.commands.why, found.reason],
        [text.collections.opened, formatInstant(found.openedAt, locale)],
        [text.collections.changed, formatInstant(found.changedAt, locale)],
        [text.bills.account, bills],
      ]}
    />
  );
}

function Holds({ holds }: { readonly holds: AccountCollections['holds'] }) {
  const { text, locale } = useText();
  const at = (iso: string | null) => (iso === null ? '—' : formatInstant(iso, locale));
  return (
    <Panel title={text.collections.holds}>
      {holds.length === 0 ? (
        <p>{text.collections.noHolds}</p>
      ) : (
        <Table
          caption={text.collections.holds}
          captionHidden
          rows={holds}
          keyOf={(row) => row.id}
          columns={[
            { head: text.bills.kind, cell: (row) => row.kind },
            { head: text.collections.from, cell: (row) => at(row.from) },
            { head: text.collections.to, cell: (row) => at(row.to) },
            { head: text.kill.reason, wide: true, cell: (row) => row.reason },
            { head: text.commands.by, cell: (row) => row.createdBy },
            { head: text.collections.released, cell: (row) => row.releasedBy ?? '—' },
          ]}
        />
      )}
    </Panel>
  );
}

function Timeline({ entries }: { readonly entries: AccountCollections['timeline'] }) {
  const { locale } = useText();
  return (
    <ol class="timeline">
      {entries.map((entry, index) => (
        // Entries have no id of their own; the list only ever grows at its end.
        <li key={`${entry.at} ${index}`}>
          <p>
            <strong>{entry.what}</strong>{' '}
            <time class="note" dateTime={entry.at}>
              {formatInstant(entry.at, locale)}
            </time>
          </p>
          <Detail detail={entry.detail} />
        </li>
      ))}
    </ol>
  );
}
