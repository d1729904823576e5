/**
 * The confirmed services with logical name referencing, field by field as in the ASN.1 of the
 * Green Book, 9.5 (IEC 62056-5-3, clause 8): GET (9.3.6), SET (9.3.7), ACTION (9.3.8).
 */
import {
  accessResult,
  actionResult,
  attribute,
  blockResult,
  getResult,
  invoke,
  method,
  selectedAttribute,
  selection,
} from './fields.ts';
import { apdu, boolean, data, list, octets, optional, u32 } from './schema.ts';

/** DataBlock-SA and Action pblock: raw octets cut anywhere. */
const block = { lastBlock: boolean, blockNumber: u32, rawData: octets };

export const GetRequestNormal = apdu('get-request-normal', 0xc0, 1, {
  invoke,
  attribute,
  selection,
});
/** Carries the number of the block just received. */
export const GetRequestNext = apdu('get-request-next', 0xc0, 2, { invoke, blockNumber: u32 });
export const GetRequestWithList = apdu('get-request-with-list', 0xc0, 3, {
  invoke,
  attributes: list(selectedAttribute),
});
export const GetResponseNormal = apdu('get-response-normal', 0xc4, 1, {
  invoke,
  result: getResult,
});
export const GetResponseWithDatablock = apdu('get-response-with-datablock', 0xc4, 2, {
  invoke,
  lastBlock: boolean,
  blockNumber: u32,
  result: blockResult,
});
export const GetResponseWithList = apdu('get-response-with-list', 0xc4, 3, {
  invoke,
  results: list(getResult),
});

export const SetRequestNormal = apdu('set-request-normal', 0xc1, 1, {
  invoke,
  attribute,
  selection,
  data,
});
export const SetRequestWithFirstDatablock = apdu('set-request-with-first-datablock', 0xc1, 2, {
  invoke,
  attribute,
  selection,
  ...block,
});
export const SetRequestWithDatablock = apdu('set-request-with-datablock', 0xc1, 3, {
  invoke,
  ...block,
});
export const SetRequestWithList = apdu('set-request-with-list', 0xc1, 4, {
  invoke,
  attributes: list(selectedAttribute),
  values: list(data),
});
export const SetRequestWithListAndFirstDatablock = apdu(
  'set-request-with-list-and-first-datablock',
  0xc1,
  5,
  { invoke, attributes: list(selectedAttribute), ...block },
);
export const SetResponseNormal = apdu('set-response-normal', 0xc5, 1, {
  invoke,
  result: accessResult,
});
export const SetResponseDatablock = apdu('set-response-datablock', 0xc5, 2, {
  invoke,
  blockNumber: u32,
});
export const SetResponseLastDatablock = apdu('set-response-last-datablock', 0xc5, 3, {
  invoke,
  result: accessResult,
  blockNumber: u32,
});
export const SetResponseLastDatablockWithList = apdu(
  'set-response-last-datablock-with-list',
  0xc5,
  4,
  { invoke, results: list(accessResult), blockNumber: u32 },
);
export const SetResponseWithList = apdu('set-response-with-list', 0xc5, 5, {
  invoke,
  results: list(accessResult),
});

export const ActionRequestNormal = apdu('action-request-normal', 0xc3, 1, {
  invoke,
  method,
  parameters: optional(data),
});
export const ActionRequestNextPblock = apdu('action-request-next-pblock', 0xc3, 2, {
  invoke,
  blockNumber: u32,
});
export const ActionRequestWithList = apdu('action-request-with-list', 0xc3, 3, {
  invoke,
  methods: list(method),
  parameters: list(data),
});
export const ActionRequestWithFirstPblock = apdu('action-request-with-first-pblock', 0xc3, 4, {
  invoke,
  method,
  ...block,
});
export const ActionRequestWithListAndFirstPblock = apdu(
  'action-request-with-list-and-first-pblock',
  0xc3,
  5,
  { invoke, methods: list(method), ...block },
);
export const ActionRequestWithPblock = apdu('action-request-with-pblock', 0xc3, 6, {
  invoke,
  ...block,
});
export const ActionResponseNormal = apdu('action-response-normal', 0xc7, 1, {
  invoke,
  response: actionResult,
});
export const ActionResponseWithPblock = apdu('action-response-with-pblock', 0xc7, 2, {
  invoke,
  ...block,
});
export const ActionResponseWithList = apdu('action-response-with-list', 0xc7, 3, {
  invoke,
  responses: list(actionResult),
});
export const ActionResponseNextPblock = apdu('action-response-next-pblock', 0xc7, 4, {
  invoke,
  blockNumber: u32,
});
