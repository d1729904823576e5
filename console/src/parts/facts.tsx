/** Names and values of one thing. An absent value is a dash, never an empty place. */
import type { ComponentChildren } from 'preact';

export type Fact = readonly [name: string, value: ComponentChildren];

interface Props {
  readonly facts: readonly Fact[];
  /** Long values, such as fingerprints. */
  readonly wide?: boolean;
}

export function Facts({ facts, wide }: Props) {
  return (
    <dl class={wide === true ? 'facts facts-wide' : 'facts'}>
      {facts.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value === null || value === undefined || value === '' ? '—' : value}</dd>
        </div>
      ))}
    </dl>
  );
}
