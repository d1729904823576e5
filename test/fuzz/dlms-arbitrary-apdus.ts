/** Arbitrary APDUs of every kind, for round trips and as seeds of the fuzzer. */
import fc from 'fast-check';
import type { Apdu, ApduKind, ApduOf } from '../../gateway/protocols/dlms/apdu.ts';
import { ACCESS_RESULTS } from '../../gateway/protocols/dlms/fields.ts';
import {
  bytes,
  data,
  exactly,
  maybe,
  scalar,
  signed,
  u8,
  u16,
  u32,
  unsigned,
} from './dlms-arbitrary-data.ts';

const small = fc.oneof(scalar, data);
const invoke = fc.record({ id: unsigned(4), confirmed: fc.boolean(), highPriority: fc.boolean() });
const longInvoke = fc.record({
  id: unsigned(24),
  selfDescriptive: fc.boolean(),
  breakOnError: fc.boolean(),
  confirmed: fc.boolean(),
  highPriority: fc.boolean(),
});
const instance = fc
  .tuple(u8, u8, u8, u8, u8, u8)
  .map(([a, b, c, d, e, f]) => `${a}-${b}:${c}.${d}.${e}${f === 255 ? '' : `*${f}`}`);
const attribute = fc.record({ classId: u16, instance, attributeId: signed(8) });
const method = fc.record({ classId: u16, instance, methodId: signed(8) });
const selection = maybe(fc.record({ selector: u8, parameters: small }));
const selected = fc.record({ classId: u16, instance, attributeId: signed(8), selection });
const accessResult = fc.oneof(
  fc.constantFrom(...(Object.keys(ACCESS_RESULTS) as (keyof typeof ACCESS_RESULTS)[])),
  fc.constantFrom('code-37' as const, 'code-249' as const),
);
const getResult = fc.oneof(fc.record({ data: small }), fc.record({ error: accessResult }));
const actionResult = fc.record({ result: accessResult, returned: maybe(getResult) });
const block = { lastBlock: fc.boolean(), blockNumber: u32, rawData: bytes(300) };
const several = <T>(arbitrary: fc.Arbitrary<T>) => fc.array(arbitrary, { maxLength: 4 });
const paired = <A, B>(a: fc.Arbitrary<A>, b: fc.Arbitrary<B>) => several(fc.tuple(a, b));
const specification = fc.oneof(
  fc.record({ get: attribute }),
  fc.record({ set: attribute }),
  fc.record({ action: method }),
  fc.record({ getSelected: selected }),
  fc.record({ setSelected: selected }),
);
const accessResponse = fc.oneof(
  fc.record({ get: accessResult }),
  fc.record({ set: accessResult }),
  fc.record({ action: accessResult }),
);

const of = <K extends ApduKind>(kind: K, model: Readonly<Record<string, fc.Arbitrary<unknown>>>) =>
  fc.record({ kind: fc.constant(kind), ...model }) as unknown as fc.Arbitrary<ApduOf<K>>;

/** One for every kind: a kind without its arbitrary does not compile. */
const APDUS: { readonly [K in ApduKind]: fc.Arbitrary<ApduOf<K>> } = {
  'initiate-request': of('initiate-request', {
    dedicatedKey: maybe(bytes()),
    responseAllowed: fc.boolean(),
    proposedQualityOfService: maybe(signed(8)),
    proposedDlmsVersion: u8,
    proposedConformance: unsigned(24),
    clientMaxReceivePduSize: u16,
  }),
  'initiate-response': of('initiate-response', {
    negotiatedQualityOfService: maybe(signed(8)),
    negotiatedDlmsVersion: u8,
    negotiatedConformance: unsigned(24),
    serverMaxReceivePduSize: u16,
    vaaName: u16,
  }),
  'confirmed-service-error': of('confirmed-service-error', {
    service: u8,
    errorClass: u8,
    errorValue: u8,
  }),
  'exception-response': of('exception-response', {
    stateError: u8,
    serviceError: fc.oneof(
      fc.record({
        code: fc.constantFrom(1, 2, 3, 4, 5, 9),
        invocationCounter: fc.constant(undefined),
      }),
      fc.record({ code: fc.constant(6), invocationCounter: u32 }),
    ),
  }),
  'data-notification': of('data-notification', {
    invoke: longInvoke,
    dateTime: fc.oneof(
      fc.record({ octets: maybe(exactly(12)), tagged: fc.constant(false) }),
      fc.record({ octets: exactly(12), tagged: fc.constant(true) }),
    ),
    body: data,
  }),
  'event-notification-request': of('event-notification-request', {
    dateTime: maybe(bytes()),
    attribute,
    value: data,
  }),
  'access-request': paired(specification, small).chain((pairs) =>
    of('access-request', {
      invoke: longInvoke,
      dateTime: maybe(exactly(12)),
      specifications: fc.constant(pairs.map(([s]) => s)),
      data: fc.constant(pairs.map(([, d]) => d)),
    }),
  ),
  'access-response': paired(small, accessResponse).chain((pairs) =>
    of('access-response', {
      invoke: longInvoke,
      dateTime: maybe(exactly(12)),
      specifications: maybe(several(specification)),
      data: fc.constant(pairs.map(([d]) => d)),
      results: fc.constant(pairs.map(([, r]) => r)),
    }),
  ),
  'general-block-transfer': of('general-block-transfer', {
    control: fc.record({ lastBlock: fc.boolean(), streaming: fc.boolean(), window: unsigned(6) }),
    blockNumber: u16,
    blockNumberAck: u16,
    blockData: bytes(300),
  }),
  'get-request-normal': of('get-request-normal', { invoke, attribute, selection }),
  'get-request-next': of('get-request-next', { invoke, blockNumber: u32 }),
  'get-request-with-list': of('get-request-with-list', { invoke, attributes: several(selected) }),
  'get-response-normal': of('get-response-normal', { invoke, result: getResult }),
  'get-response-with-datablock': of('get-response-with-datablock', {
    invoke,
    lastBlock: fc.boolean(),
    blockNumber: u32,
    result: fc.oneof(fc.record({ rawData: bytes(300) }), fc.record({ error: accessResult })),
  }),
  'get-response-with-list': of('get-response-with-list', { invoke, results: several(getResult) }),
  'set-request-normal': of('set-request-normal', { invoke, attribute, selection, data }),
  'set-request-with-first-datablock': of('set-request-with-first-datablock', {
    invoke,
    attribute,
    selection,
    ...block,
  }),
  'set-request-with-datablock': of('set-request-with-datablock', { invoke, ...block }),
  'set-request-with-list': paired(selected, small).chain((pairs) =>
    of('set-request-with-list', {
      invoke,
      attributes: fc.constant(pairs.map(([a]) => a)),
      values: fc.constant(pairs.map(([, v]) => v)),
    }),
  ),
  'set-request-with-list-and-first-datablock': of('set-request-with-list-and-first-datablock', {
    invoke,
    attributes: several(selected),
    ...block,
  }),
  'set-response-normal': of('set-response-normal', { invoke, result: accessResult }),
  'set-response-datablock': of('set-response-datablock', { invoke, blockNumber: u32 }),
  'set-response-last-datablock': of('set-response-last-datablock', {
    invoke,
    result: accessResult,
    blockNumber: u32,
  }),
  'set-response-last-datablock-with-list': of('set-response-last-datablock-with-list', {
    invoke,
    results: several(accessResult),
    blockNumber: u32,
  }),
  'set-response-with-list': of('set-response-with-list', {
    invoke,
    results: several(accessResult),
  }),
  'action-request-normal': of('action-request-normal', { invoke, method, parameters: maybe(data) }),
  'action-request-next-pblock': of('action-request-next-pblock', { invoke, blockNumber: u32 }),
  'action-request-with-list': paired(method, small).chain((pairs) =>
    of('action-request-with-list', {
      invoke,
      methods: fc.constant(pairs.map(([m]) => m)),
      parameters: fc.constant(pairs.map(([, p]) => p)),
    }),
  ),
  'action-request-with-first-pblock': of('action-request-with-first-pblock', {
    invoke,
    method,
    ...block,
  }),
  'action-request-with-list-and-first-pblock': of('action-request-with-list-and-first-pblock', {
    invoke,
    methods: several(method),
    ...block,
  }),
  'action-request-with-pblock': of('action-request-with-pblock', { invoke, ...block }),
  'action-response-normal': of('action-response-normal', { invoke, response: actionResult }),
  'action-response-with-pblock': of('action-response-with-pblock', { invoke, ...block }),
  'action-response-with-list': of('action-response-with-list', {
    invoke,
    responses: several(actionResult),
  }),
  'action-response-next-pblock': of('action-response-next-pblock', { invoke, blockNumber: u32 }),
};

export const APDU_KINDS = Object.keys(APDUS) as ApduKind[];
export const apduOf = (kind: ApduKind): fc.Arbitrary<Apdu> => APDUS[kind];
export const apdu: fc.Arbitrary<Apdu> = fc.constantFrom(...APDU_KINDS).chain(apduOf);
