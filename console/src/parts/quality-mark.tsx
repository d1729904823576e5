/** The quality of one interval: glyph and word in its colour; the exact name on the side. */
import { QUALITY_GLYPH, type QualityClass } from '../format/quality.ts';
import { useText } from '../text/text.ts';

export function QualityMark({ kind, name }: { kind: QualityClass; name: string | null }) {
  const { text } = useText();
  return (
    <>
      <span class={`q-word q-word-${kind}`}>
        {QUALITY_GLYPH[kind]} {text.quality[kind]}
      </span>
      {name !== null && name !== 'VALID' && <span class="note"> {name}</span>}
    </>
  );
}
