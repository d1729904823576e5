/** Goal: a plan that could cut without notice or never end is refused, with all its problems. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { checkPlan, checkPlanText, parsePlan } from '../../billing/collections/parse.ts';
import { planBook } from '../../billing/collections/plans.ts';
import type { Plan } from '../../billing/collections/schema.ts';

const EXAMPLE = resolve(import.meta.dirname, '../../billing/collections/examples/standard.yaml');
const text = readFileSync(EXAMPLE, 'utf8');
const plan = parsePlan(text);
const places = (value: unknown) => checkPlan(value).problems.map((p) => p.at);
const [reminder, final, cut] = plan.steps as [object, object, object];

describe('a plan', () => {
  it('is accepted as the example is written', () => {
    expect(checkPlanText(text).problems).toEqual([]);
    expect(plan.steps.map((step) => step.action)).toEqual(['notice', 'final_notice', 'disconnect']);
  });

  it('lists all problems of shape at once, each with its place', () => {
    const wrong = {
      ...plan,
      minAmount: 50,
      colour: 'red',
      steps: [{ ...reminder, offsetDays: -1 }, { ...final, action: 'shout' }, cut],
    };
    expect(places(wrong).sort()).toEqual([
      'colour',
      'minAmount',
      'steps/0/offsetDays',
      'steps/1/action',
    ]);
  });

  it.each([
    ['a cut without final notice', { steps: [reminder, cut], resumeFrom: 'reminder' }, 'steps/1'],
    ['a cut before its notice', { steps: [reminder, cut, final] }, 'steps/1'],
    [
      'a code twice',
      { steps: [reminder, { ...final, code: 'reminder' }, cut], resumeFrom: 'cut' },
      'steps/1/code',
    ],
    [
      'a reserved code',
      { steps: [{ ...reminder, code: 'reconnect' }, final, cut] },
      'steps/0/code',
    ],
    [
      'a first step after nothing',
      { steps: [{ ...reminder, after: 'previous' }, final, cut] },
      'steps/0/after',
    ],
    ['a resume step that is not there', { resumeFrom: 'nowhere' }, 'resumeFrom'],
    ['a resume behind the final notice', { resumeFrom: 'cut' }, 'resumeFrom'],
    [
      'notice ages the wrong way round',
      { steps: [reminder, final, { ...cut, noticeAgeMaxDays: 14 }] },
      'steps/2/noticeAgeMaxDays',
    ],
    [
      'a step minimum below the plan',
      { steps: [reminder, final, { ...cut, minAmount: '49.99' }] },
      'steps/2/minAmount',
    ],
    ['hours the wrong way round', { window: { ...plan.window, toHour: 8 } }, 'window/toHour'],
    [
      'a holiday that does not exist',
      { window: { ...plan.window, holidays: ['2026-02-30'] } },
      'window/holidays/0',
    ],
  ])('refuses %s', (_case, change, at) => {
    expect(places({ ...plan, ...change })).toContain(at);
  });

  it('refuses text that is no YAML, with its line, and aliases that explode', () => {
    expect(checkPlanText('code: [').problems[0]?.at).toBe('line 1');
    const bomb = `a: &a [x,x,x,x,x,x,x,x,x,x]\n${[...'bcdefgh']
      .map((k, i) => `${k}: &${k} [${Array(10).fill(`*${'abcdefg'[i]}`).join(',')}]`)
      .join('\n')}`;
    expect(checkPlanText(bomb).problems).not.toEqual([]);
    expect(() => parsePlan('{}')).toThrow(/collection plan in this text is invalid/);
  });
});

describe('the plan of an account', () => {
  const known = (change: Partial<Plan>, revision = 1) => ({
    plan: { ...plan, ...change },
    revision,
    hash: `${revision}`,
  });
  const book = planBook([
    known({}, 1),
    known({ name: 'newer' }, 2),
    known({ code: 'north', branches: ['north'] }, 1),
    known({ code: 'pesos', currency: 'COP' }, 1),
  ]);

  it.each([
    ['USD', 'south', 'standard', 2],
    ['USD', 'north', 'north', 1],
    ['COP', 'north', 'pesos', 1],
    ['EUR', 'north', undefined, undefined],
  ])('%s in %s: %s, revision %s', (currency, branch, code, revision) => {
    const chosen = book.choose({ currency, branch });
    expect([chosen?.plan.code, chosen?.revision]).toEqual([code, revision]);
  });

  it('a case finds the revision that it was opened under', () => {
    expect(book.find('standard', 1)?.plan.name).toBe('Standard');
    expect(book.find('standard', 3)).toBeUndefined();
  });
});
