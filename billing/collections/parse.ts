/** From YAML or JSON text to a plan that may be followed, or to the list of all that is wrong. */

import { Type } from 'typebox';
import { Compile } from 'typebox/compile';
import { Fault, LIMITS } from '../../domain/index.ts';
import { isLocalDate } from '../calendar/local.ts';
import { checkDocumentText, type DocumentProblem, sayProblems } from '../documents.ts';
import { exact } from '../rating/exact.ts';
import { type Plan, PlanSchema, RECONNECT_STEP, STEP_SCHEMAS } from './schema.ts';

export interface PlanCheck {
  /** There when nothing is wrong. */
  readonly plan?: Plan;
  readonly problems: readonly DocumentProblem[];
}

// Steps are judged one by one by their own action: the errors of a union of all kinds would speak
// of every kind the step is not.
const shell = Compile(
  Type.Object(
    {
      ...PlanSchema.properties,
      steps: Type.Array(Type.Unknown(), { minItems: 1, maxItems: 50 }),
    },
    { additionalProperties: false },
  ),
);
const stepChecks = new Map(
  Object.entries(STEP_SCHEMAS).map(([action, schema]) => [action, Compile(schema)]),
);

/** Judges text (YAML 1.2, of which JSON is a part) without throwing. */
export function checkPlanText(text: string): PlanCheck {
  return checkDocumentText(text, checkPlan);
}

/** Judges a value that came as JSON over HTTP or out of the database. */
export function checkPlan(value: unknown): PlanCheck {
  const shape = shapeProblems(value);
  if (shape.length > 0) return { problems: shape.slice(0, LIMITS.tariffProblemsMax) };
  const plan = value as Plan;
  const problems = lintPlan(plan).slice(0, LIMITS.tariffProblemsMax);
  return problems.length > 0 ? { problems } : { plan, problems };
}

/** The plan of a text, or a Fault PLAN_INVALID that lists every problem. */
export function parsePlan(text: string): Plan {
  return accept(checkPlanText(text), 'in this text');
}

/** The plan of a value, or a Fault PLAN_INVALID that lists every problem. */
export function acceptPlan(value: unknown): Plan {
  const code = (value as { code?: unknown } | null)?.code;
  return accept(checkPlan(value), typeof code === 'string' ? code : 'without code');
}

function accept({ plan, problems }: PlanCheck, code: string): Plan {
  if (plan !== undefined) return plan;
  throw new Fault('PLAN_INVALID', { code, detail: sayProblems(problems) });
}

interface SchemaError {
  readonly keyword: string;
  readonly instancePath: string;
  readonly message: string;
}

function shapeProblems(value: unknown): DocumentProblem[] {
  const problems = explain(shell.Errors(value), '');
  const steps = (value as { steps?: unknown } | null)?.steps;
  if (!Array.isArray(steps)) return problems;
  steps.forEach((step, index) => {
    const action = (step as { action?: unknown } | null)?.action;
    const check = typeof action === 'string' ? stepChecks.get(action) : undefined;
    if (check !== undefined) problems.push(...explain(check.Errors(step), `steps/${index}`));
    else {
      const known = [...stepChecks.keys()].join(', ');
      const message = `unknown action ${JSON.stringify(action) ?? 'nothing'}; known: ${known}`;
      problems.push({ at: `steps/${index}/action`, message });
    }
  });
  return problems;
}

function explain(errors: readonly SchemaError[], at: string): DocumentProblem[] {
  const seen = new Map<string, DocumentProblem>();
  for (const { keyword, instancePath, message } of errors) {
    // The schema says it twice: the object has too much, and the member is forbidden.
    if (keyword === 'additionalProperties') continue;
    const path = [at, ...instancePath.split('/').slice(1)].filter((p) => p !== '').join('/');
    const text = keyword === 'boolean' ? 'is not a member that is known here' : message;
    if (!seen.has(path)) seen.set(path, { at: path, message: text });
  }
  return [...seen.values()];
}

function lintPlan(plan: Plan): DocumentProblem[] {
  return [...lintSteps(plan), ...lintCut(plan), ...lintWindow(plan)];
}

function lintSteps(plan: Plan): DocumentProblem[] {
  const problems: DocumentProblem[] = [];
  const codes = plan.steps.map((step) => step.code);
  plan.steps.forEach((step, index) => {
    const at = `steps/${index}`;
    if (codes.indexOf(step.code) !== index) {
      problems.push({ at: `${at}/code`, message: `${step.code} is used twice` });
    }
    if (step.code === RECONNECT_STEP) {
      problems.push({ at: `${at}/code`, message: `${RECONNECT_STEP} is reserved` });
    }
    if (index === 0 && step.after === 'previous') {
      problems.push({ at: `${at}/after`, message: 'the first step has no step before it' });
    }
    if (step.minAmount !== undefined && exact(step.minAmount).lessThan(exact(plan.minAmount))) {
      const message = `${step.minAmount} is below the plan's ${plan.minAmount}, so it never applies`;
      problems.push({ at: `${at}/minAmount`, message });
    }
  });
  const resume = plan.steps.find((step) => step.code === plan.resumeFrom);
  if (resume === undefined) {
    problems.push({ at: 'resumeFrom', message: `no step has the code ${plan.resumeFrom}` });
  }
  return problems;
}

/** Nobody is cut without a final notice, and a resumed case serves it again. */
function lintCut(plan: Plan): DocumentProblem[] {
  const problems: DocumentProblem[] = [];
  const final = plan.steps.findIndex((step) => step.action === 'final_notice');
  plan.steps.forEach((step, index) => {
    if (step.action !== 'disconnect') return;
    const at = `steps/${index}`;
    if (index !== plan.steps.length - 1) {
      problems.push({ at, message: 'a disconnect is the last step of a plan' });
    }
    if (final < 0 || final > index) {
      problems.push({ at, message: 'needs a final_notice before it' });
    }
    if (step.noticeAgeMaxDays < step.noticeAgeMinDays) {
      const message = `is less than noticeAgeMinDays (${step.noticeAgeMinDays})`;
      problems.push({ at: `${at}/noticeAgeMaxDays`, message });
    }
    const resume = plan.steps.findIndex((s) => s.code === plan.resumeFrom);
    if (resume > final) {
      problems.push({ at: 'resumeFrom', message: 'must not lie behind the final notice' });
    }
  });
  return problems;
}

function lintWindow({ window }: Plan): DocumentProblem[] {
  const problems = window.holidays
    .map((date, index) => ({ at: `window/holidays/${index}`, message: `${date} is no date`, date }))
    .filter(({ date }) => !isLocalDate(date))
    .map(({ at, message }) => ({ at, message }));
  if (window.toHour > window.fromHour) return problems;
  return [...problems, { at: 'window/toHour', message: 'must lie after fromHour' }];
}
