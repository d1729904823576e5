/** Documents a utility writes (tariffs, collection plans): text to a value, or all that is wrong. */
import { LineCounter, parseDocument } from 'yaml';
import { describeError, LIMITS } from '../domain/index.ts';

export interface DocumentProblem {
  /** Place in the document, 'versions/0/charges/2/price'; empty = the whole. */
  readonly at: string;
  readonly message: string;
}

/** Parses YAML 1.2 (of which JSON is a part) without throwing, and judges what it says. */
export function checkDocumentText<C extends { readonly problems: readonly DocumentProblem[] }>(
  text: string,
  check: (value: unknown) => C,
): C | { readonly problems: readonly DocumentProblem[] } {
  const bytes = Buffer.byteLength(text);
  if (bytes > LIMITS.tariffTextBytesMax) {
    const message = `${bytes} bytes; at most ${LIMITS.tariffTextBytesMax} are read`;
    return { problems: [{ at: '', message }] };
  }
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  if (document.errors.length > 0) {
    return {
      problems: document.errors.slice(0, LIMITS.tariffProblemsMax).map((error) => ({
        at: `line ${lines.linePos(error.pos[0]).line}`,
        message: error.message,
      })),
    };
  }
  try {
    return check(document.toJS());
  } catch (error) {
    // Aliases that unfold beyond the parser's bound are only found here.
    return { problems: [{ at: '', message: describeError(error) }] };
  }
}

/** All problems in one sentence, for a fault. */
export function sayProblems(problems: readonly DocumentProblem[]): string {
  return problems.map(({ at, message }) => (at === '' ? message : `${at}: ${message}`)).join('; ');
}
