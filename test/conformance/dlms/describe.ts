/** Our values in the words of the vectors, so that whole contents are compared. */
import { parseObis } from '../../../domain/index.ts';
import type { AcseApdu } from '../../../gateway/protocols/dlms/acse.ts';
import { type Apdu, decodeApdu } from '../../../gateway/protocols/dlms/apdu.ts';
import { conformanceNames } from '../../../gateway/protocols/dlms/conformance.ts';
import type { Invoke, LongInvoke, Selection } from '../../../gateway/protocols/dlms/fields.ts';
import type { AccessRequestSpecification } from '../../../gateway/protocols/dlms/messages.ts';
import {
  encodeSecurityControl,
  type ProtectedBody,
} from '../../../gateway/protocols/dlms/security/body.ts';
import {
  type CipheredApdu,
  decodeCiphered,
  isCiphered,
} from '../../../gateway/protocols/dlms/security/ciphered.ts';
import type { Data } from '../../../gateway/protocols/dlms/types.ts';
import { type Expected, hex } from './vectors.ts';

/** [type, value]; octets as hex, 64-bit integers as decimal strings. */
export function describeData(data: Data): Expected {
  if (!('value' in data)) return [data.type];
  const { value } = data;
  if (value instanceof Uint8Array) return [data.type, hex(value)];
  if (Array.isArray(value)) return [data.type, value.map(describeData)];
  return [data.type, typeof value === 'bigint' ? value.toString() : value];
}

const dotted = (text: string): string => {
  const obis = parseObis(text);
  if (obis === undefined) throw new Error(`not an OBIS code: ${text}`);
  return [obis.a, obis.b, obis.c, obis.d, obis.e, obis.f].join('.');
};

interface Descriptor {
  readonly classId: number;
  readonly instance: string;
  readonly attributeId?: number;
  readonly methodId?: number;
}

function describeDescriptor({ classId, instance, attributeId, methodId }: Descriptor): Expected {
  return {
    classId,
    obis: dotted(instance),
    ...(attributeId === undefined ? {} : { attributeId }),
    ...(methodId === undefined ? {} : { methodId }),
  };
}

function describeSelection(selection: Selection | undefined): Expected {
  if (selection === undefined) return null;
  return { selector: selection.selector, parameters: describeData(selection.parameters) };
}

const describeInvoke = ({ id, confirmed, highPriority }: Invoke): Expected => ({
  invokeId: id,
  confirmed,
  highPriority,
});

const describeLongInvoke = (invoke: LongInvoke): Expected => ({
  longInvokeId: invoke.id,
  selfDescriptive: invoke.selfDescriptive,
  processingOption: invoke.breakOnError ? 1 : 0,
  serviceClassConfirmed: invoke.confirmed,
  highPriority: invoke.highPriority,
});

function describeResult(result: { data: Data } | { error: string }): Expected {
  return 'data' in result ? { data: describeData(result.data) } : { error: result.error };
}

const bits = (conformance: number): Expected => ({
  hex: conformance.toString(16).padStart(6, '0'),
  bits: conformanceNames(conformance),
});

/** `get-request-with-first-datablock` -> pdu get-request, variant with-first-datablock. */
function names(kind: string): Expected {
  const [, pdu, variant] = /^((?:get|set|action)-(?:request|response))-(.+)$/.exec(kind) ?? [];
  return { pdu, variant };
}

export function describeApdu(apdu: Apdu): Expected {
  switch (apdu.kind) {
    case 'initiate-request':
      return {
        pdu: 'initiateRequest',
        dedicatedKey: apdu.dedicatedKey === undefined ? null : hex(apdu.dedicatedKey),
        responseAllowed: apdu.responseAllowed,
        proposedQualityOfService: apdu.proposedQualityOfService ?? null,
        proposedDlmsVersion: apdu.proposedDlmsVersion,
        proposedConformance: bits(apdu.proposedConformance),
        clientMaxReceivePduSize: apdu.clientMaxReceivePduSize,
      };
    case 'initiate-response':
      return {
        pdu: 'initiateResponse',
        negotiatedQualityOfService: apdu.negotiatedQualityOfService ?? null,
        negotiatedDlmsVersion: apdu.negotiatedDlmsVersion,
        negotiatedConformance: bits(apdu.negotiatedConformance),
        serverMaxReceivePduSize: apdu.serverMaxReceivePduSize,
        vaaName: apdu.vaaName.toString(16).padStart(4, '0'),
      };
    case 'confirmed-service-error': {
      const { service, errorClass, errorValue } = apdu;
      return { pdu: 'confirmedServiceError', service, errorClass, errorValue };
    }
    case 'exception-response': {
      const { code, invocationCounter } = apdu.serviceError;
      const counter = invocationCounter === undefined ? {} : { invocationCounter };
      return { pdu: apdu.kind, stateError: apdu.stateError, serviceError: code, ...counter };
    }
    case 'data-notification':
      return {
        pdu: apdu.kind,
        ...describeLongInvoke(apdu.invoke),
        ...(apdu.dateTime.tagged ? { dateTimeTagged: true } : {}),
        dateTime: apdu.dateTime.octets === undefined ? null : hex(apdu.dateTime.octets),
        body: describeData(apdu.body),
      };
    case 'event-notification-request':
      return {
        pdu: apdu.kind,
        dateTime: apdu.dateTime === undefined ? null : hex(apdu.dateTime),
        attribute: describeDescriptor(apdu.attribute),
        value: describeData(apdu.value),
      };
    case 'general-block-transfer':
      return {
        pdu: apdu.kind,
        ...apdu.control,
        blockNumber: apdu.blockNumber,
        blockNumberAck: apdu.blockNumberAck,
        blockData: hex(apdu.blockData),
      };
    case 'access-request':
    case 'access-response':
      return {
        pdu: apdu.kind,
        ...describeLongInvoke(apdu.invoke),
        dateTime: apdu.dateTime === undefined ? null : hex(apdu.dateTime),
        specifications: apdu.specifications?.map(describeSpecification),
        data: apdu.data.map(describeData),
        ...('results' in apdu ? { results: apdu.results } : {}),
      };
    default:
      return { ...names(apdu.kind), ...describeInvoke(apdu.invoke), ...describeService(apdu) };
  }
}

function describeSpecification(specification: AccessRequestSpecification): Expected {
  return Object.fromEntries(
    Object.entries(specification).map(([service, descriptor]) => [
      service,
      describeDescriptor(descriptor),
    ]),
  );
}

type Service = Extract<Apdu, { kind: `${'get' | 'set' | 'action'}-${string}` }>;

function describeService(apdu: Service): Expected {
  const out: Expected = {};
  if ('attribute' in apdu) out.attribute = describeDescriptor(apdu.attribute);
  if ('method' in apdu) out.method = describeDescriptor(apdu.method);
  if ('selection' in apdu) out.selection = describeSelection(apdu.selection);
  if ('attributes' in apdu) {
    out.attributes = apdu.attributes.map((attribute) => ({
      ...describeDescriptor(attribute),
      selection: describeSelection(attribute.selection),
    }));
  }
  if ('lastBlock' in apdu) out.lastBlock = apdu.lastBlock;
  if ('blockNumber' in apdu) out.blockNumber = apdu.blockNumber;
  if ('rawData' in apdu) out.rawData = hex(apdu.rawData);
  if ('data' in apdu) out.data = describeData(apdu.data);
  if (apdu.kind === 'action-request-normal') {
    out.parameters = apdu.parameters === undefined ? null : describeData(apdu.parameters);
  }
  if (apdu.kind === 'get-response-normal') out.result = describeResult(apdu.result);
  if (apdu.kind === 'get-response-with-list') out.results = apdu.results.map(describeResult);
  if (apdu.kind === 'get-response-with-datablock') {
    if ('rawData' in apdu.result) out.rawData = hex(apdu.result.rawData);
    else out.error = apdu.result.error;
  }
  if (apdu.kind === 'set-response-normal') out.result = apdu.result;
  if (apdu.kind === 'set-response-last-datablock') out.result = apdu.result;
  if ('values' in apdu) out.values = apdu.values.map(describeData);
  if ('methods' in apdu) out.methods = apdu.methods.map(describeDescriptor);
  if (apdu.kind === 'action-request-with-list') out.parameters = apdu.parameters.map(describeData);
  if (apdu.kind === 'set-response-with-list') out.results = apdu.results;
  if (apdu.kind === 'action-response-normal') {
    const { result, returned } = apdu.response;
    out.result = result;
    out.returnParameters = returned === undefined ? null : describeResult(returned);
  }
  return out;
}

export function describeBody({
  control,
  invocationCounter,
  content,
  tag,
}: ProtectedBody): Expected {
  return {
    securityControl: encodeSecurityControl(control).toString(16).padStart(2, '0'),
    ...control,
    invocationCounter,
    cipherText: hex(content),
    ...(tag === undefined ? {} : { tag: hex(tag) }),
  };
}

const CIPHERED_NAMES: Readonly<Record<string, string>> = {
  'glo-initiate-request': 'glo-initiateRequest',
  'glo-initiate-response': 'glo-initiateResponse',
};

export function describeCiphered(apdu: CipheredApdu): Expected {
  if (!('body' in apdu)) throw new Error(`no words for ${apdu.kind}`);
  const title = 'systemTitle' in apdu ? { systemTitle: hex(apdu.systemTitle) } : {};
  return { pdu: CIPHERED_NAMES[apdu.kind] ?? apdu.kind, ...title, ...describeBody(apdu.body) };
}

const given = (name: string, octets: Uint8Array | undefined): Expected =>
  octets === undefined ? {} : { [name]: hex(octets) };

export function describeAcse(apdu: AcseApdu): Expected {
  const information = apdu.userInformation;
  const userInformation =
    information === undefined
      ? {}
      : {
          userInformation: isCiphered(information)
            ? describeCiphered(decodeCiphered(information))
            : describeApdu(decodeApdu(information)),
        };
  if (apdu.kind === 'rlrq' || apdu.kind === 'rlre') {
    return { pdu: apdu.kind.toUpperCase(), reason: apdu.reason, ...userInformation };
  }
  return {
    pdu: apdu.kind.toUpperCase(),
    // The vectors give the octets of the bit string, then how many bits of them are unused: 07 80.
    ...given('protocolVersion', apdu.protocolVersion),
    applicationContext: apdu.applicationContext,
    ...(apdu.kind === 'aare'
      ? {
          result: apdu.result,
          diagnosticSource: apdu.diagnostic.source,
          diagnostic: apdu.diagnostic.code,
          ...given('respondingApTitle', apdu.respondingApTitle),
        }
      : given('callingApTitle', apdu.callingApTitle)),
    ...given('acseRequirements', apdu.acseRequirements),
    ...(apdu.mechanism === undefined ? {} : { mechanism: apdu.mechanism }),
    ...given('authenticationValue', apdu.authenticationValue),
    ...userInformation,
  };
}
