/** A state: colour, shape and word together. */
import type { ComponentChildren } from 'preact';
import type { Look } from '../format/status.ts';

const SHAPES: Readonly<Record<Look, string>> = {
  ok: 'M6 1a5 5 0 1 0 0 10A5 5 0 1 0 6 1Z',
  info: 'M6 1a5 5 0 1 0 0 10A5 5 0 1 0 6 1Zm0 1.6a3.4 3.4 0 0 1 0 6.8Z',
  warn: 'M6 .8 11.6 11H.4Z',
  danger:
    'M3.7.5h4.6l3.2 3.2v4.6l-3.2 3.2H3.7L.5 8.3V3.7Zm.5 2.6L3.1 4.2 4.9 6 3.1 7.8l1.1 1.1L6 7.1l1.8 1.8 1.1-1.1L7.1 6l1.8-1.8-1.1-1.1L6 4.9Z',
  unknown: 'M6 .3 11.7 6 6 11.7.3 6Z',
  neutral: 'M1.5 1.5h9v9h-9Z',
};

export function Badge(props: { look: Look; children: ComponentChildren }) {
  return (
    <span class={`badge badge-${props.look}`}>
      <svg viewBox="0 0 12 12" width="12" height="12" aria-hidden="true">
        <path d={SHAPES[props.look]} fill="currentColor" fill-rule="evenodd" />
      </svg>
      {props.children}
    </span>
  );
}
