/** Channel, day and span of the load curve; every choice is in the address. */
import type { Channel } from '../../api/types.ts';
import type { LoadView } from '../../chart/load-view.ts';
import { formatDate } from '../../format/time.ts';
import { addDays, hoursBetween, isDate } from '../../format/zone.ts';
import { setQuery } from '../../router.ts';
import { useText } from '../../text/text.ts';

const SPANS = ['day', 'week'] as const;

export function LoadChoices({ view, channels }: { view: LoadView; channels: readonly Channel[] }) {
  const { text, locale } = useText();
  const { date, span } = view;
  const days = span === 'week' ? 7 : 1;
  const go = (next: string) => setQuery({ date: next, at: undefined });
  const hours = hoursBetween(view.fromMs, view.toMs);
  return (
    <div class="filters">
      <button type="button" onClick={() => go(addDays(date, -days))}>
        <span aria-hidden="true">‹ </span>
        {text.meter.earlier}
      </button>
      <label for="load-date">{text.meter.date}</label>
      <input
        id="load-date"
        type="date"
        required
        value={date}
        onChange={(e) => isDate(e.currentTarget.value) && go(e.currentTarget.value)}
      />
      <button type="button" onClick={() => go(addDays(date, days))}>
        {text.meter.later}
        <span aria-hidden="true"> ›</span>
      </button>
      <fieldset class="segments">
        <legend class="visually-hidden">{text.meter.span}</legend>
        {SPANS.map((option) => (
          <button
            key={option}
            type="button"
            aria-pressed={span === option}
            onClick={() => setQuery({ span: option, at: undefined, date })}
          >
            {text.meter.spans[option]}
          </button>
        ))}
      </fieldset>
      <label for="load-channel">{text.meter.channel}</label>
      <select
        id="load-channel"
        value={view.channel.code}
        onChange={(e) => setQuery({ channel: e.currentTarget.value, at: undefined })}
      >
        {channels.map((channel) => (
          <option key={channel.id} value={channel.code}>
            {channel.code}
          </option>
        ))}
      </select>
      <p class="chosen-day">
        <strong>
          {formatDate(date, locale, true)}
          {span === 'week' && ` – ${formatDate(addDays(date, days - 1), locale, true)}`}
        </strong>{' '}
        <span class="note">
          {view.zone}
          {hours !== days * 24 && ` · ${text.meter.hours(String(hours - (days - 1) * 24))}`}
        </span>
      </p>
    </div>
  );
}
