/** The story of one billed interval, with the version that the invoice was made from marked. */
import type { BilledInterval, Determinant, Invoice, MeterDetail } from '../../api/types.ts';
import { useData } from '../../api/use-data.ts';
import { Problem } from '../../parts/problem.tsx';
import { Versions } from '../../parts/versions.tsx';
import { setQuery } from '../../router.ts';
import { useText } from '../../text/text.ts';

interface Props {
  readonly invoice: Invoice;
  readonly determinant: Determinant;
  readonly row: BilledInterval;
}

export function BilledVersions({ invoice, determinant, row }: Props) {
  const { text } = useText();
  const { channels, timeZone } = invoice.snapshot;
  const channel = channels.find(({ id }) => id === row.channelId);
  const meter = useData<MeterDetail>(channel && `/v1/meters/${encodeURIComponent(channel.meter)}`);
  if (channel === undefined) return null;
  if (meter.problem !== undefined) {
    return <Problem what={channel.meter} problem={meter.problem} retry={meter.reload} />;
  }
  const length = meter.data?.channels.find(({ id }) => id === row.channelId)?.interval_s;
  if (length === undefined) return <p role="status">{text.state.loading}</p>;
  return (
    <Versions
      meter={channel.meter}
      code={channel.code}
      start={row.start}
      intervalS={length}
      unit={determinant.unit}
      zone={timeZone}
      billedBatch={row.batchId}
      onClose={() => setQuery({ at: undefined })}
    />
  );
}
