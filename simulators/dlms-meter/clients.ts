/** The clients a meter of ours knows, and what each may use (Green Book, 4.2: client SAPs). */
import { CONFORMANCE, conformanceOf } from '../../gateway/protocols/dlms/conformance.ts';
import type { ClientRole } from './model.ts';

export interface ClientModel {
  readonly sap: number;
  readonly role: ClientRole;
  /** Association objects are 0-0:40.0.x. */
  readonly association: number;
  readonly context: 'LN' | 'LN-ciphered';
  readonly mechanism: 'lowest' | 'low' | 'high-gmac';
  readonly conformance: number;
}

const READ = conformanceOf(['get', 'block-transfer-with-get-or-read']);
const READ_WELL = READ | conformanceOf(['multiple-references', 'selective-access']);
const ALL =
  READ_WELL |
  conformanceOf([
    'set',
    'action',
    'block-transfer-with-set-or-write',
    'block-transfer-with-action',
    'priority-mgmt-supported',
  ]);

export const CLIENTS: readonly ClientModel[] = [
  {
    sap: 16,
    role: 'public',
    association: 1,
    context: 'LN',
    mechanism: 'lowest',
    conformance: READ,
  },
  {
    sap: 2,
    role: 'reading',
    association: 2,
    context: 'LN',
    mechanism: 'low',
    conformance: READ_WELL,
  },
  {
    sap: 1,
    role: 'management',
    association: 3,
    context: 'LN-ciphered',
    mechanism: 'high-gmac',
    conformance: ALL | CONFORMANCE['general-protection'],
  },
];

export function clientOf(sap: number): ClientModel | undefined {
  return CLIENTS.find((client) => client.sap === sap);
}
