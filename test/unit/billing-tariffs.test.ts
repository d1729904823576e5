import { readdirSync, readFileSync } from 'node:fs';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, it } from 'vitest';
import { checkTariff, checkTariffText, parseTariff } from '../../billing/tariffs/parse.ts';
import { tariffJsonSchema } from '../../billing/tariffs/schema.ts';
import { cutByVersion, versionOn } from '../../billing/tariffs/versions.ts';
import { isFault } from '../../domain/index.ts';

const folder = new URL('../../billing/tariffs/', import.meta.url);
const examples = readdirSync(new URL('examples/', folder)).filter((name) => name.endsWith('.yaml'));
const readExample = (name: string) => readFileSync(new URL(`examples/${name}`, folder), 'utf8');

const good = () => ({
  code: 't',
  name: 'T',
  currency: 'EUR',
  minorDigits: 2,
  rounding: { mode: 'HALF_UP', place: 'line' },
  versions: [
    {
      from: '2026-01-01',
      dueDays: 10,
      calendar: {
        holidays: [],
        restDays: [],
        days: {
          weekday: [
            ['00:00', '12:00', 'am'],
            ['12:00', '24:00', 'pm'],
          ],
        },
      },
      charges: [
        { code: 'am', kind: 'tou', period: 'am', price: '0.1', tags: ['n'] },
        { code: 'pm', kind: 'tou', period: 'pm', price: '0.2', tags: ['n'] },
      ],
      taxes: [{ code: 'vat', rate: '0.21', base: ['n'] }],
    },
  ],
});

/** Problems after a change, as 'place: message'. */
// biome-ignore lint/suspicious/noExplicitAny: the point is to break the shape
function problemsAfter(change: (tariff: any) => void): string[] {
  const tariff = good();
  change(tariff);
  return checkTariff(tariff).problems.map(({ at, message }) => `${at}: ${message}`);
}

describe('the example tariffs', () => {
  it.each(examples)('%s is valid, by our checks and by the JSON schema', (name) => {
    const { tariff, problems } = checkTariffText(readExample(name));
    expect(problems).toEqual([]);
    const validate = new Ajv2020().compile({ ...tariffJsonSchema });
    expect(validate(tariff), JSON.stringify(validate.errors)).toBe(true);
  });

  it('are named after their codes', () => {
    expect(examples.map((name) => `${parseTariff(readExample(name)).code}.yaml`)).toEqual(examples);
  });
});

describe('the JSON schema file', () => {
  it('is the schema the code checks by', () => {
    const file = JSON.parse(readFileSync(new URL('tariff.schema.json', folder), 'utf8'));
    expect(file).toEqual(tariffJsonSchema);
  });
});

describe('a tariff document', () => {
  it('is read from YAML and from JSON alike', () => {
    expect(checkTariffText(JSON.stringify(good())).tariff).toEqual(good());
    expect(problemsAfter(() => {})).toEqual([]);
  });

  it('keeps words that other readers take for truth values or base sixty', () => {
    const text = JSON.stringify(good()).replaceAll('"am"', 'off').replaceAll('"12:00"', '12:00');
    const { tariff, problems } = checkTariffText(text);
    expect(problems).toEqual([]);
    expect(tariff?.versions[0]?.calendar?.days?.['weekday']?.[0]).toEqual([
      '00:00',
      '12:00',
      'off',
    ]);
  });

  it('is refused with every problem of its shape', () => {
    const found = problemsAfter((t) => {
      t.currency = 'euro';
      t.colour = 'green';
      t.versions[0].charges[0].price = 0.1;
      t.versions[0].charges[1].price = '0,2';
      t.versions[0].charges.push({ code: 'x', kind: 'magic' });
      t.versions[0].taxes[0].rate = '21%';
    });
    expect(found).toEqual([
      'colour: is not a member that is known here',
      'currency: "euro" must match pattern "^[A-Z]{3}$"',
      'versions/0/taxes/0/rate: "21%" is not a decimal string',
      'versions/0/charges/0/price: 0.1 is a number; write it in quotes, so that it stays exact',
      'versions/0/charges/1/price: "0,2" is not a decimal string',
      'versions/0/charges/2/kind: unknown charge kind "magic"; ' +
        'known: tou, energy, per_day, per_kw_day, per_month',
    ]);
  });

  it.each(['1e3', '.5', '01', '+1', '1.', '', 'NaN', '0x10', '1_000', ' 1'])(
    'does not take %j for a price',
    (price) => {
      const found = problemsAfter((t) => {
        t.versions[0].charges[0].price = price;
      });
      expect(found).toEqual([
        `versions/0/charges/0/price: ${JSON.stringify(price)} is not a decimal string`,
      ]);
    },
  );

  it('is refused for bands of another shape', () => {
    const found = problemsAfter((t) => {
      t.versions[0].calendar.days.weekday = [
        ['00:00', '25:00', 'am'],
        ['12:00', '24:00'],
        ['12:00', '24:00', 'pm', 'x'],
      ];
    });
    expect(found.map((text) => text.replace(/^versions\/0\/calendar\/days\//, ''))).toEqual([
      expect.stringMatching(/^weekday\/0\/1: "25:00" must match pattern/),
      expect.stringMatching(/^weekday\/1: must not have fewer than 3 items/),
      expect.stringMatching(/^weekday\/2\/3: /),
      expect.stringMatching(/^weekday\/2: .* must not have more than 3 items/),
    ]);
  });

  it('throws one fault with all problems in its sentence', () => {
    const text = JSON.stringify({ ...good(), currency: 'x', minorDigits: -1 });
    expect(() => parseTariff(text)).toThrow(
      expect.toSatisfy(
        (error) =>
          isFault(error, 'TARIFF_INVALID') && /currency: .*; minorDigits: /.test(error.message),
      ),
    );
  });

  it('says the line of broken YAML, and refuses double keys, bombs and giants', () => {
    expect(checkTariffText('code: a\nname: [b\n').problems[0]?.at).toMatch(/^line [23]$/);
    expect(checkTariffText('code: a\ncode: b\n').problems[0]?.message).toMatch(/unique/i);
    const bomb = `a: &a [x,x,x,x,x,x,x,x,x]
b: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]
c: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]
d: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c]
e: [*d,*d,*d,*d,*d,*d,*d,*d,*d]`;
    expect(checkTariffText(bomb).problems[0]?.message).toMatch(/alias/i);
    expect(checkTariffText('x'.repeat(2_000_000)).problems[0]?.message).toMatch(/bytes/);
    expect(checkTariffText('').problems.length).toBeGreaterThan(0);
    expect(checkTariffText('- 1\n- 2\n').problems.length).toBeGreaterThan(0);
  });
});

describe('the tariff linter', () => {
  it('finds gaps and overlaps of a calendar at their place', () => {
    const found = problemsAfter((t) => {
      t.versions[0].calendar.days.weekday[1][0] = '13:00';
    });
    expect(found).toEqual(['versions/0/calendar/days/weekday: gap from 12:00 to 13:00']);
  });

  it('finds periods that are priced but never come, and come but have no price', () => {
    const found = problemsAfter((t) => {
      t.versions[0].charges[1].period = 'evening';
    });
    expect(found).toEqual([
      "versions/0/charges/1/period: unknown period 'evening': the calendar has am, pm",
      "versions/0/charges: no import price for period 'pm'",
    ]);
  });

  it('takes a price for all energy as a price for every period', () => {
    const found = problemsAfter((t) => {
      t.versions[0].charges[1] = { code: 'all', kind: 'energy', price: '0.1', tags: ['n'] };
    });
    expect(found).toEqual([]);
  });

  it('wants a calendar for a price by time, and both directions priced', () => {
    const without = problemsAfter((t) => {
      delete t.versions[0].calendar;
    });
    expect(without[0]).toBe(
      "versions/0/charges/0/period: unknown period 'am': there is no calendar",
    );
    const exported = problemsAfter((t) => {
      const charge = { ...t.versions[0].charges[0], code: 'ex', direction: 'export' };
      t.versions[0].charges.push(charge);
    });
    expect(exported).toEqual(["versions/0/charges: no export price for period 'pm'"]);
  });

  it('finds codes used twice and tags nobody carries', () => {
    const found = problemsAfter((t) => {
      t.versions[0].charges[1].code = 'am';
      t.versions[0].taxes.push({ code: 'vat', rate: '0.1', base: ['nowhere'] });
    });
    expect(found).toEqual([
      "versions/0/charges/1/code: code 'am' is used twice",
      "versions/0/taxes/1/code: code 'vat' is used twice",
      "versions/0/taxes/1/base: unknown tag 'nowhere': no charge and no tax carries it",
    ]);
  });

  it('finds taxes that chase each other, and taxes in the wrong order', () => {
    const taxes = (...list: [string, string[], string?][]) =>
      problemsAfter((t) => {
        t.versions[0].taxes = list.map(([code, base, tag]) => ({ code, rate: '0.1', base, tag }));
        for (const tax of t.versions[0].taxes) if (tax.tag === undefined) delete tax.tag;
      });
    expect(taxes(['a', ['n'], 'ta'], ['b', ['n', 'ta']])).toEqual([]);
    expect(taxes(['a', ['n', 'ta'], 'ta'])).toEqual(['versions/0/taxes/0: tax cycle: a -> a']);
    expect(taxes(['a', ['n', 'tb'], 'ta'], ['b', ['ta'], 'tb'])).toEqual([
      'versions/0/taxes/0: tax cycle: a -> b -> a',
      'versions/0/taxes/1: tax cycle: b -> a -> b',
    ]);
    expect(taxes(['a', ['n', 'tb']], ['b', ['n'], 'tb'])).toEqual([
      "versions/0/taxes/0: takes 'b' into its base but stands before it",
    ]);
  });

  it('wants versions that touch', () => {
    const versions = (...dates: [string, string?][]) =>
      problemsAfter((t) => {
        const [first] = t.versions;
        t.versions = dates.map(([from, to]) => ({ ...first, from, ...(to ? { to } : {}) }));
      });
    expect(versions(['2026-01-01', '2026-07-01'], ['2026-07-01'])).toEqual([]);
    expect(versions(['2026-01-01', '2026-07-01'], ['2026-07-02'])).toEqual([
      'versions/0: gap: ends 2026-07-01, but the next version begins 2026-07-02',
    ]);
    expect(versions(['2026-01-01', '2026-07-02'], ['2026-07-01'])).toEqual([
      'versions/0: overlap: ends 2026-07-02, but the next version begins 2026-07-01',
    ]);
    expect(versions(['2026-01-01'], ['2026-07-01'])).toEqual([
      'versions/0: never ends, but the next version begins 2026-07-01',
    ]);
    expect(versions(['2026-02-30', '2026-01-01'])).toEqual([
      "versions/0: '2026-02-30' is not a date that exists",
      'versions/0: the version is empty: 2026-02-30 to 2026-01-01',
    ]);
  });
});

describe('the cut of a period by versions', () => {
  const tariff = parseTariff(readExample('residential-tou.yaml'));

  it('gives the dates of each version', () => {
    const { parts, uncovered } = cutByVersion(tariff, '2026-12-20', '2027-01-20');
    expect(parts.map(({ versionIndex, from, to, days }) => [versionIndex, from, to, days])).toEqual(
      [
        [0, '2026-12-20', '2027-01-01', 12],
        [1, '2027-01-01', '2027-01-20', 19],
      ],
    );
    expect(uncovered).toEqual([]);
  });

  it('tells the dates without a version', () => {
    const { parts, uncovered } = cutByVersion(tariff, '2025-12-20', '2026-01-02');
    expect(parts).toHaveLength(1);
    expect(uncovered).toEqual([{ from: '2025-12-20', to: '2026-01-01' }]);
    expect(versionOn(tariff, '2025-12-31')).toBeUndefined();
    expect(versionOn(tariff, '2027-01-01')?.charges[0]?.price).toBe('0.197230');
  });
});
