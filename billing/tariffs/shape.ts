/** The shape of a tariff document against its schema, with every problem and its place. */
import { Type } from 'typebox';
import { Compile } from 'typebox/compile';
import type { DocumentProblem } from '../documents.ts';
import { CHARGE_SCHEMAS, DECIMAL_PATTERN, TariffSchema } from './schema.ts';

// Charges are judged one by one by their own kind: the errors of a union of all kinds would speak
// of every kind the charge is not.
const { properties: version } = TariffSchema.properties.versions.items;
const shell = Compile(
  Type.Object(
    {
      ...TariffSchema.properties,
      versions: Type.Array(
        Type.Object(
          { ...version, charges: Type.Array(Type.Unknown(), { minItems: 1, maxItems: 500 }) },
          { additionalProperties: false },
        ),
        { minItems: 1, maxItems: 200 },
      ),
    },
    { additionalProperties: false },
  ),
);

const chargeChecks = new Map(
  Object.entries(CHARGE_SCHEMAS).map(([kind, schema]) => [kind, Compile(schema)]),
);

interface SchemaError {
  readonly keyword: string;
  readonly instancePath: string;
  readonly params: object;
  readonly message: string;
}

/** Problems of shape; empty = the value is a Tariff as far as types go. */
export function shapeProblems(value: unknown): DocumentProblem[] {
  const problems = explain(shell.Errors(value), '', value);
  const versions = member(value, 'versions');
  if (!Array.isArray(versions)) return problems;
  versions.forEach((entry, index) => {
    const charges = member(entry, 'charges');
    if (!Array.isArray(charges)) return;
    charges.forEach((charge, place) => {
      problems.push(...chargeProblems(charge, `versions/${index}/charges/${place}`));
    });
  });
  return problems;
}

function chargeProblems(charge: unknown, at: string): DocumentProblem[] {
  const kind = member(charge, 'kind');
  const check = typeof kind === 'string' ? chargeChecks.get(kind) : undefined;
  if (check !== undefined) return explain(check.Errors(charge), at, charge);
  const known = [...chargeChecks.keys()].join(', ');
  return [{ at: `${at}/kind`, message: `unknown charge kind ${show(kind)}; known: ${known}` }];
}

function explain(errors: readonly SchemaError[], at: string, root: unknown): DocumentProblem[] {
  const seen = new Map<string, DocumentProblem>();
  for (const error of errors) {
    const path = [at, ...error.instancePath.split('/').slice(1)].filter((p) => p !== '').join('/');
    const found = read(root, error.instancePath);
    const problem = { at: path, message: sentence(error, found) };
    // The schema says it twice: the object has too much, and the member is forbidden.
    if (error.keyword === 'additionalProperties') continue;
    if (!seen.has(path)) seen.set(path, problem);
  }
  return [...seen.values()];
}

function sentence(error: SchemaError, found: unknown): string {
  const params = error.params as { type?: string; pattern?: unknown };
  if (error.keyword === 'boolean') return 'is not a member that is known here';
  if (typeof found === 'number' && params.type === 'string') {
    return `${found} is a number; write it in quotes, so that it stays exact`;
  }
  if (String(params.pattern) === DECIMAL_PATTERN) return `${show(found)} is not a decimal string`;
  if (error.keyword === 'required' || error.keyword === 'minItems') return error.message;
  return `${show(found)} ${error.message}`;
}

function read(root: unknown, pointer: string): unknown {
  let here = root;
  for (const key of pointer.split('/').slice(1)) here = member(here, key);
  return here;
}

function member(value: unknown, key: string): unknown {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined;
  return (value as Record<string, unknown>)[key];
}

function show(value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing';
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}
