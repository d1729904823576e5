/** From YAML or JSON text to a tariff that may be billed by, or to the list of all that is wrong. */
import { Fault, LIMITS } from '../../domain/index.ts';
import { checkDocumentText, type DocumentProblem, sayProblems } from '../documents.ts';
import { lintTariff } from './lint.ts';
import type { Tariff } from './schema.ts';
import { shapeProblems } from './shape.ts';

export interface TariffCheck {
  /** There when nothing is wrong. */
  readonly tariff?: Tariff;
  readonly problems: readonly DocumentProblem[];
}

/** Judges text (YAML 1.2, of which JSON is a part) without throwing. */
export function checkTariffText(text: string): TariffCheck {
  return checkDocumentText(text, checkTariff);
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
  throw new Fault('TARIFF_INVALID', { code, detail: sayProblems(problems) });
}
