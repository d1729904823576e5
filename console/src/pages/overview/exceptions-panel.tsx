/** What validation found and nobody has settled yet. */
import type { RuleCount } from '../../api/types.ts';
import { useData } from '../../api/use-data.ts';
import { formatCount } from '../../format/decimal.ts';
import { SEVERITY_LOOK } from '../../format/status.ts';
import { Badge } from '../../parts/badge.tsx';
import { DataPanel } from '../../parts/panel.tsx';
import { Table } from '../../parts/table.tsx';
import { useText } from '../../text/text.ts';

export function ExceptionsPanel({ everyMs }: { readonly everyMs: number }) {
  const { text, locale } = useText();
  const loaded = useData<{ rules: readonly RuleCount[] }>('/v1/exceptions', { refreshMs: everyMs });
  return (
    <DataPanel title={text.overview.exceptions} loaded={loaded}>
      {({ rules }) =>
        rules.length === 0 ? (
          <p>
            <Badge look="ok">{text.overview.noExceptions}</Badge>
          </p>
        ) : (
          <Table
            caption={text.overview.exceptionsCaption}
            rows={rules}
            keyOf={(row) => `${row.rule} ${row.severity}`}
            columns={[
              { head: text.overview.rule, cell: (row) => <span class="id">{row.rule}</span> },
              {
                head: text.overview.severity,
                cell: (row) => (
                  <Badge look={SEVERITY_LOOK[row.severity] ?? 'unknown'}>{row.severity}</Badge>
                ),
              },
              {
                head: text.overview.count,
                number: true,
                cell: (row) => formatCount(row.exceptions, locale),
              },
            ]}
          />
        )
      }
    </DataPanel>
  );
}
