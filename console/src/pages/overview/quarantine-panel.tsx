/** What could not be taken, why, and one example of each. */
import type { QuarantineReason } from '../../api/types.ts';
import { useData } from '../../api/use-data.ts';
import { formatCount } from '../../format/decimal.ts';
import { Badge } from '../../parts/badge.tsx';
import { DataPanel } from '../../parts/panel.tsx';
import { Table } from '../../parts/table.tsx';
import { useText } from '../../text/text.ts';

export function QuarantinePanel({ everyMs }: { readonly everyMs: number }) {
  const { text, locale } = useText();
  const loaded = useData<{ reasons: readonly QuarantineReason[] }>('/v1/quarantine', {
    refreshMs: everyMs,
  });
  const count = (n: number) => formatCount(n, locale);
  return (
    <DataPanel title={text.overview.quarantine} loaded={loaded} class="span-two">
      {({ reasons }) =>
        reasons.length === 0 ? (
          <p>
            <Badge look="ok">{text.overview.noQuarantine}</Badge>
          </p>
        ) : (
          <Table
            caption={text.overview.quarantineCaption}
            rows={reasons}
            keyOf={(row) => row.code}
            columns={[
              { head: text.overview.reason, cell: (row) => <span class="id">{row.code}</span> },
              { head: text.overview.records, number: true, cell: (row) => count(row.records) },
              { head: text.overview.entries, number: true, cell: (row) => count(row.entries) },
              { head: text.overview.example, wide: true, cell: (row) => row.example },
            ]}
          />
        )
      }
    </DataPanel>
  );
}
