/** From YAML or JSON text to a tariff that may be billed by, or to the list of all that is wrong. */
import { LineCounter, parseDocument } from 'yaml';
import { describeError, Fault, LIMITS } from '../../domain/index.ts';
import { lintTariff } from './lint.ts';
import type { Tariff } from './schema.ts';
import { shapeProblems, type TariffProblem } from './shape.ts';

export interface TariffCheck {
  /** There when nothing is wrong. */
  readonly tariff?: Tariff;
  readonly problems: readonly TariffProblem[];
}

/** Judges text (YAML 1.2, of which JSON is a part) without throwing. */
export function checkTariffText(text: string): TariffCheck {
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
    return checkTariff(document.toJS());
  } catch (error) {
    // Aliases that unfold beyond the parser's bound are only found here.
    return { problems: [{ at: '', message: describeError(error) }] };
  }
}

/** Judges a value that came as JSON over HTTP or out of the database. */
export function checkTariff(value: unknown): TariffCheck {
  const shape = shapeProblems(value);
  if (shape.length > 0) return { problems: shape.slice(0, LIMITS.tariffProblemsMax) };
  const tariff = value as Tariff;
  const problems = lintTariff(tariff).slice(0, LIMITS.tariffProblemsMax);
  return problems.length > 0 ? { problems } : { tariff, problems };
}

/** The tariff of a text, or a Fault TARIFF_INVALID that lists every problem. */
export function parseTariff(text: string): Tariff {
  return accept(checkTariffText(text), 'in this text');
}

/** The tariff of a value, or a Fault TARIFF_INVALID that lists every problem. */
export function acceptTariff(value: unknown): Tariff {
  const code = (value as { code?: unknown } | null)?.code;
  return accept(checkTariff(value), typeof code === 'string' ? code : 'without code');
}

function accept({ tariff, problems }: TariffCheck, code: string): Tariff {
  if (tariff !== undefined) return tariff;
  const detail = problems.map(({ at, message }) => (at === '' ? message : `${at}: ${message}`));
  throw new Fault('TARIFF_INVALID', { code, detail: detail.join('; ') });
}
