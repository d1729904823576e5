/**
 * `meterline/dlms`: DLMS/COSEM and HDLC for clients and servers, without any I/O. The door for
 * users outside this repository; rooms inside import the files themselves. See README.md.
 */
export { Fault, type FaultCode, isFault } from '../../../domain/faults.ts';
export * from '../hdlc/address.ts';
export * from '../hdlc/client.ts';
export * from '../hdlc/control.ts';
export { crc16X25 } from '../hdlc/crc.ts';
export * from '../hdlc/deframer.ts';
export { decodeFrame, encodeFrame, type HdlcFrame } from '../hdlc/frame.ts';
export * from '../hdlc/llc.ts';
export * from '../hdlc/notifications.ts';
export * from '../hdlc/parameters.ts';
export * from '../hdlc/server.ts';
export type { LinkEvent, LinkState, StationOptions } from '../hdlc/station.ts';
export * from './acse.ts';
export * from './apdu.ts';
export { BlockAssembler, cutBlocks, type DataBlock } from './blocks.ts';
export * from './conformance.ts';
export { decodeData, encodeData } from './data.ts';
export * from './datetime.ts';
export {
  ACCESS_RESULTS,
  type AccessResult,
  type ActionResult,
  type AttributeDescriptor,
  type GetResult,
  type Invoke,
  type LongInvoke,
  type MethodDescriptor,
  type SelectedAttribute,
  type Selection,
} from './fields.ts';
export * from './gbt.ts';
export {
  type AccessRequestSpecification,
  EXCEPTION_SERVICES,
  EXCEPTION_STATES,
} from './messages.ts';
export * from './profile.ts';
export { formatLogicalName, parseLogicalName } from './schema.ts';
export * from './security/agreement.ts';
export {
  decodeSecurityControl,
  encodeSecurityControl,
  type ProtectedBody,
  type SecurityControl,
} from './security/body.ts';
export * from './security/ciphered.ts';
export * from './security/counters.ts';
export type { GcmKeys } from './security/gcm.ts';
export * from './security/hls.ts';
export * from './security/keywrap.ts';
export * from './security/protection.ts';
export * from './security/signing.ts';
export { SUITES, type Suite } from './security/suites.ts';
export * as shape from './shape.ts';
export type { Data, NumberType, TypeDescription } from './types.ts';
export * from './wrapper.ts';
