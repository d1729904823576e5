/** The small utility of the demo: who lives where, on which meter, with which faults. */
import type { MasterData } from '../../db/master.ts';
import { OBIS } from '../../domain/index.ts';
import type { FleetMeterPlan } from '../../simulators/fleet.ts';
import { DEFAULT_MODULUS_WH } from '../../simulators/mqtt-meter/meter.ts';
import { hash32 } from '../../simulators/random.ts';

export const DEMO_ZONE = 'Europe/Madrid';
/** A month with the autumn change: 745 hours. */
export const DEMO_FROM = '2026-10-01';
export const DEMO_TO = '2026-11-01';
export const DEMO_TARIFF = 'residential-tou';

export interface DemoOptions {
  readonly seed: number;
  readonly meters: number;
}

const HOMES_PER_FEEDER = 120;
const HOMES_PER_TRANSFORMER = 12;

const FIRST = [
  'Ana',
  'Luis',
  'Marta',
  'Jorge',
  'Elena',
  'Pablo',
  'Irene',
  'Diego',
  'Lucía',
  'Hugo',
];
const LAST = ['García', 'Rivas', 'Soler', 'Vidal', 'Ortega', 'Prieto', 'Campos', 'Nieto', 'Lozano'];

export function serialOf(index: number): string {
  return `MTR-${String(index + 1).padStart(5, '0')}`;
}

export function accountOf(index: number): string {
  return `A-${String(index + 1).padStart(5, '0')}`;
}

/** Secrets of simulated meters: made from the seed, worth nothing outside the demo. */
export function secretOf(options: DemoOptions, index: number): string {
  return `demo-${options.seed}-${serialOf(index)}-${hash32(`${options.seed}/${index}`).toString(16)}`;
}

export function demoMaster(options: DemoOptions, checkedAt: string): MasterData {
  const indexes = Array.from({ length: options.meters }, (_, i) => i);
  const name = (i: number) => {
    const first = FIRST[hash32(`first/${options.seed}/${i}`) % FIRST.length];
    return `${first} ${LAST[hash32(`last/${options.seed}/${i}`) % LAST.length]}`;
  };
  return {
    customers: indexes.map((i) => ({ code: `C-${i + 1}`, name: name(i), language: 'es' })),
    accounts: indexes.map((i) => ({
      number: accountOf(i),
      customer: `C-${i + 1}`,
      branch: i % 2 === 0 ? 'norte' : 'sur',
      currency: 'EUR',
    })),
    servicePoints: indexes.map((i) => servicePoint(i, checkedAt)),
    meters: indexes.map((i) => ({
      serial: serialOf(i),
      protocol: 'mqtt' as const,
      model: 'simulated',
      hasBreaker: true,
      secret: secretOf(options, i),
    })),
    channels: indexes.flatMap((i) => channels(serialOf(i))),
    installations: indexes.map((i) => ({
      meter: serialOf(i),
      servicePoint: `SP-${i + 1}`,
      from: '2026-09-30T22:00:00Z',
    })),
    agreements: indexes.map((i) => ({
      account: accountOf(i),
      servicePoint: `SP-${i + 1}`,
      tariff: DEMO_TARIFF,
      contract: { kwP1: i % 3 === 0 ? '5.75' : '4.6', kwP2: '4.6' },
      from: DEMO_FROM,
    })),
  };
}

function servicePoint(i: number, checkedAt: string) {
  return {
    code: `SP-${i + 1}`,
    timeZone: DEMO_ZONE,
    branch: i % 2 === 0 ? 'norte' : 'sur',
    feeder: `F-${Math.floor(i / HOMES_PER_FEEDER) + 1}`,
    transformer: `T-${Math.floor(i / HOMES_PER_TRANSFORMER) + 1}`,
    address: `Calle Mayor ${i + 1}`,
    // Every twentieth home has somebody on life support: never cut, whatever is owed.
    protection: i % 20 === 19 ? ('protected' as const) : ('none' as const),
    protectionCheckedAt: checkedAt,
  };
}

function channels(meter: string) {
  const common = {
    meter,
    code: OBIS.importActive,
    direction: 'import' as const,
    unit: 'Wh',
    // 9.2 kW of service for a quarter of an hour
    intervalMax: 2_300,
  };
  return [
    { ...common, kind: 'interval' as const, intervalS: 900 },
    { ...common, kind: 'register' as const, intervalS: 0, modulus: DEFAULT_MODULUS_WH },
  ];
}

/** Two meters lose ten hours; every fifteenth register rolls over in the month. */
export function fleetPlans(options: DemoOptions, monthFromMs: number): FleetMeterPlan[] {
  return Array.from({ length: options.meters }, (_, i) => {
    const rolls = i % 15 === 7;
    const gapFromMs = monthFromMs + (9 * 24 + 8) * 3_600_000;
    return {
      serial: serialOf(i),
      secret: secretOf(options, i),
      registerModulusWh: DEFAULT_MODULUS_WH,
      registerStartWh: rolls
        ? DEFAULT_MODULUS_WH - 90_000 - (hash32(`roll/${i}`) % 50_000)
        : 1_000_000 + (hash32(`start/${i}`) % 40_000_000),
      ...((i === 41 || i === 130) && {
        longGap: { fromMs: gapFromMs, toMs: gapFromMs + 10 * 3_600_000 },
      }),
    };
  });
}
