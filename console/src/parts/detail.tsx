/** What was noted beside a step of a timeline; names of things lead to them. */
import { href } from '../router.ts';
import { Json } from './json.tsx';

/** A plain reason reads as a sentence; anything nested as it is kept. */
export function Detail({ detail }: { readonly detail: unknown }) {
  if (detail === null || detail === undefined) return null;
  if (typeof detail === 'string') return <p>{detail}</p>;
  const entries = Object.entries(detail);
  if (entries.length === 0) return null;
  const plain = entries.every(([, value]) => value === null || typeof value !== 'object');
  if (!plain) return <Json value={detail} />;
  return (
    <p class="detail">
      {entries.map(([name, value]) => (
        <span key={name} class="pair">
          <span class="note">{name}</span> <Value name={name} value={value} />
        </span>
      ))}
    </p>
  );
}

const AREAS: Readonly<Record<string, string>> = {
  meter: 'meters',
  invoice: 'bills',
  command: 'commands',
};

/** Longer than this is a fingerprint or an id: read by comparing, not by heart. */
const WORD_CHARS = 24;

function Value({ name, value }: { readonly name: string; readonly value: unknown }) {
  if (value === null) return <>—</>;
  const text = String(value);
  const area = AREAS[name];
  if (area !== undefined) {
    return (
      <a class="id" href={href([area, text])}>
        {text}
      </a>
    );
  }
  return text.length > WORD_CHARS && !text.includes(' ') ? <code>{text}</code> : <b>{text}</b>;
}
