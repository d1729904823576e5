/** Arbitrary association control and ciphered forms. */
import fc from 'fast-check';
import type { Aare, Aarq, AcseApdu, Rlre, Rlrq } from '../../gateway/protocols/dlms/acse.ts';
import { APPLICATION_CONTEXTS, MECHANISMS } from '../../gateway/protocols/dlms/acse.ts';
import type { CipheredApdu } from '../../gateway/protocols/dlms/security/ciphered.ts';
import { bytes, exactly, maybe, u8, u16, u32, unsigned } from './dlms-arbitrary-data.ts';

const context = fc.constantFrom(
  ...(Object.keys(APPLICATION_CONTEXTS) as (keyof typeof APPLICATION_CONTEXTS)[]),
  'oid-2a0304' as const,
);
const mechanism = fc.constantFrom(
  ...(Object.keys(MECHANISMS) as (keyof typeof MECHANISMS)[]),
  'oid-' as const,
);
const shared = {
  protocolVersion: maybe(bytes(3)),
  applicationContext: context,
  acseRequirements: maybe(bytes(3)),
  mechanism: maybe(mechanism),
  authenticationValue: maybe(bytes(64)),
  implementationInformation: maybe(bytes()),
  userInformation: maybe(bytes(300)),
};
const aarq: fc.Arbitrary<Aarq> = fc.record({
  kind: fc.constant('aarq' as const),
  ...shared,
  calledApTitle: maybe(bytes()),
  calledAeQualifier: maybe(bytes()),
  calledApInvocationId: maybe(u32),
  calledAeInvocationId: maybe(u8),
  callingApTitle: maybe(exactly(8)),
  callingAeQualifier: maybe(bytes(400)),
  callingApInvocationId: maybe(u16),
  callingAeInvocationId: maybe(u8),
});
const aare: fc.Arbitrary<Aare> = fc.record({
  kind: fc.constant('aare' as const),
  ...shared,
  result: u8,
  diagnostic: fc.record({
    source: fc.constantFrom('acse-service-user' as const, 'acse-service-provider' as const),
    code: u8,
  }),
  respondingApTitle: maybe(exactly(8)),
  respondingAeQualifier: maybe(bytes()),
  respondingApInvocationId: maybe(u32),
  respondingAeInvocationId: maybe(u32),
});
const release = { reason: maybe(u8), userInformation: maybe(bytes()) };
const rlrq: fc.Arbitrary<Rlrq> = fc.record({ kind: fc.constant('rlrq' as const), ...release });
const rlre: fc.Arbitrary<Rlre> = fc.record({ kind: fc.constant('rlre' as const), ...release });
export const acse: fc.Arbitrary<AcseApdu> = fc.oneof(aarq, aare, rlrq, rlre);

const control = fc.record({
  suite: unsigned(4),
  authenticated: fc.boolean(),
  encrypted: fc.boolean(),
  broadcastKey: fc.boolean(),
  compressed: fc.boolean(),
});
const body = control.chain((c) =>
  fc.record({
    control: fc.constant(c),
    invocationCounter: u32,
    content: bytes(200),
    tag: c.authenticated ? exactly(12) : fc.constant(undefined),
  }),
);
const header = fc.record({
  transactionId: bytes(9),
  originatorTitle: exactly(8),
  recipientTitle: bytes(8),
  dateTime: bytes(12),
  otherInformation: bytes(),
});
const keyInfo = fc.oneof(
  fc.record({ identified: fc.constantFrom('unicast' as const, 'broadcast' as const) }),
  fc.record({ wrapped: fc.record({ kekId: fc.constant('master' as const), key: bytes() }) }),
  fc.record({ agreed: fc.record({ parameters: bytes(), data: bytes(100) }) }),
);
export const ciphered: fc.Arbitrary<CipheredApdu> = fc.oneof(
  fc.record({
    kind: fc.constantFrom('glo-get-request', 'ded-action-response', 'glo-initiate-request'),
    body,
  }) as fc.Arbitrary<CipheredApdu>,
  fc.record({
    kind: fc.constantFrom('general-glo-ciphering' as const, 'general-ded-ciphering' as const),
    systemTitle: fc.oneof(exactly(8), exactly(0)),
    body,
  }),
  fc.record({
    kind: fc.constant('general-ciphering' as const),
    header,
    keyInfo: maybe(keyInfo),
    body,
  }),
  fc.record({
    kind: fc.constant('general-signing' as const),
    header,
    content: bytes(200),
    signature: bytes(96),
  }),
);
