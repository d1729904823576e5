/** Whether the process can do its work, part by part. */
import type { Readiness } from '../../api/types.ts';
import { useData } from '../../api/use-data.ts';
import { Badge } from '../../parts/badge.tsx';
import { DataPanel } from '../../parts/panel.tsx';
import { Table } from '../../parts/table.tsx';
import { useText } from '../../text/text.ts';

/** 503 is an answer: it says which part is not ready. */
const NOT_READY = [503];

export function ReadinessPanel({ everyMs }: { readonly everyMs: number }) {
  const { text } = useText();
  const loaded = useData<Readiness>('/readyz', { refreshMs: everyMs, alsoFine: NOT_READY });
  const verdict = loaded.data && (
    <Badge look={loaded.data.ready ? 'ok' : 'danger'}>
      {loaded.data.ready ? text.overview.ready : text.overview.notReady}
    </Badge>
  );
  return (
    <DataPanel title={text.overview.readiness} loaded={loaded} aside={verdict}>
      {({ checks }) => (
        <Table
          caption={text.overview.readiness}
          captionHidden
          rows={checks}
          keyOf={(row) => row.name}
          columns={[
            { head: text.overview.part, cell: (row) => row.name },
            {
              head: text.commands.state,
              cell: (row) => (
                <Badge look={row.ok ? 'ok' : 'danger'}>
                  {row.ok ? text.overview.ready : text.overview.notReady}
                </Badge>
              ),
            },
            { head: text.overview.says, wide: true, cell: (row) => row.state },
          ]}
        />
      )}
    </DataPanel>
  );
}
