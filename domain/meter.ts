/** Meters, their channels, and the directory through which the gateway knows them. */
import type { ChannelId } from './ids.ts';
import type { Unit } from './quantity.ts';

export type Protocol = 'mqtt' | 'dlms' | 'modbus' | 'manual';

export interface Channel {
  readonly id: ChannelId;
  readonly meterId: number;
  /** OBIS code or market stream name. */
  readonly code: string;
  readonly kind: 'interval' | 'register';
  readonly direction: 'import' | 'export' | 'net';
  readonly unit: Unit;
  /** Values count 10^exponent of `unit`: 0 = Wh, 3 = kWh, -3 = mWh. */
  readonly exponent: number;
  /** 0 for a register. */
  readonly intervalS: number;
  /** CT x VT ratio still to be applied to what the meter sends, as a fraction. */
  readonly ratioNumerator: number;
  readonly ratioDenominator: number;
  /** A register counts 0 .. modulus-1. */
  readonly modulus?: number;
}

export interface MeterEntry {
  readonly id: number;
  readonly serial: string;
  readonly protocol: Protocol;
  readonly hasBreaker: boolean;
}

/** What the gateway needs to know of meters; from the database, or from a file on an edge box. */
export interface MeterDirectory {
  /** True when the secret is the meter's. Constant time; unknown meters cost the same. */
  authenticate(serial: string, secret: Uint8Array): Promise<boolean>;
  find(serial: string): Promise<MeterEntry | undefined>;
}
