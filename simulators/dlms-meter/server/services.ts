/**
 * GET, SET and ACTION with block transfer both ways (Green Book, 9.3.6 to 9.3.8), over the plain
 * APDUs of one association. A new request ends whatever transfer was under way.
 */
import { isFault } from '../../../domain/index.ts';
import type { Apdu, ApduKind, ApduOf } from '../../../gateway/protocols/dlms/apdu.ts';
import { encodeApdu } from '../../../gateway/protocols/dlms/apdu.ts';
import {
  BlockAssembler,
  cutBlocks,
  type DataBlock,
} from '../../../gateway/protocols/dlms/blocks.ts';
import { allows, type ConformanceName } from '../../../gateway/protocols/dlms/conformance.ts';
import { Reader, Writer } from '../../../gateway/protocols/dlms/cursor.ts';
import { decodeData, encodeData, readData } from '../../../gateway/protocols/dlms/data.ts';
import {
  type AccessResult,
  type ActionResult,
  type AttributeDescriptor,
  actionResult,
  getResult,
  type Invoke,
  type MethodDescriptor,
} from '../../../gateway/protocols/dlms/fields.ts';
import { list } from '../../../gateway/protocols/dlms/schema.ts';
import type { DlmsMeter } from '../meter.ts';
import type { Caller } from '../model.ts';
import { getAttribute, runMethod, setAttribute } from './access.ts';

/** Everything of a datablock APDU but its raw data. */
const BLOCK_HEADER_OCTETS = 16;
const SERVICE_NOT_SUPPORTED = 2;

/** An ACTION that the association itself answers (reply_to_HLS); undefined = it is not that. */
export type OwnAction = (
  method: MethodDescriptor,
  parameters: ApduOf<'action-request-normal'>['parameters'],
) => ActionResult | undefined;

type Transfer =
  | { readonly kind: 'get' | 'action'; readonly blocks: readonly DataBlock[]; next: number }
  | {
      readonly kind: 'set';
      readonly attributes: readonly AttributeDescriptor[];
      readonly asList: boolean;
      readonly assembler: BlockAssembler;
    }
  | {
      readonly kind: 'action-in';
      readonly method: MethodDescriptor;
      readonly assembler: BlockAssembler;
    };

export class Services {
  readonly #meter: DlmsMeter;
  readonly #caller: Caller;
  readonly #plainOctetsMax: number;
  readonly #ownAction: OwnAction;
  #transfer: Transfer | undefined;

  /** @param plainOctetsMax largest plain APDU whose ciphered form the client can take */
  constructor(meter: DlmsMeter, caller: Caller, plainOctetsMax: number, ownAction: OwnAction) {
    this.#meter = meter;
    this.#caller = caller;
    this.#plainOctetsMax = plainOctetsMax;
    this.#ownAction = ownAction;
  }

  /** The answer; undefined when none is due (unconfirmed). */
  handle(request: Apdu): Apdu | undefined {
    const needed = NEEDED[request.kind];
    if (needed === undefined) return exception(SERVICE_NOT_SUPPORTED);
    if (!needed.every((name) => allows(this.#caller.conformance, name))) {
      return exception(SERVICE_NOT_SUPPORTED);
    }
    if (!CONTINUES.has(request.kind)) this.#transfer = undefined;
    try {
      const answer = this.#answer(request);
      return 'invoke' in request && !request.invoke.confirmed ? undefined : answer;
    } catch (error) {
      if (!isFault(error)) throw error;
      this.#transfer = undefined;
      return exception(1);
    }
  }

  #answer(request: Apdu): Apdu {
    switch (request.kind) {
      case 'get-request-normal': {
        const wanted = { ...request.attribute, selection: request.selection };
        const result = getAttribute(this.#meter, this.#caller, wanted);
        const { invoke } = request;
        const answer: Apdu = { kind: 'get-response-normal', invoke, result };
        return 'data' in result ? this.#fit(answer, invoke, encodeData(result.data)) : answer;
      }
      case 'get-request-with-list': {
        const { invoke, attributes } = request;
        const { lists } = this.#meter;
        if (lists === 'refused') return exception(SERVICE_NOT_SUPPORTED);
        const asked = lists === 'short' ? attributes.slice(1) : attributes;
        const results = asked.map((a) => getAttribute(this.#meter, this.#caller, a));
        const writer = new Writer();
        list(getResult).write(writer, results);
        return this.#fit(
          { kind: 'get-response-with-list', invoke, results },
          invoke,
          writer.done(),
        );
      }
      case 'get-request-next':
        return this.#next('get', request);
      case 'set-request-normal': {
        const result = this.#set(request.attribute, request.data);
        return { kind: 'set-response-normal', invoke: request.invoke, result };
      }
      case 'set-request-with-list': {
        const results = request.attributes.map((a, i) => this.#set(a, request.values[i]));
        return { kind: 'set-response-with-list', invoke: request.invoke, results };
      }
      case 'set-request-with-first-datablock':
        return this.#setBlocks(request, [request.attribute], false);
      case 'set-request-with-list-and-first-datablock':
        return this.#setBlocks(request, request.attributes, true);
      case 'set-request-with-datablock':
        return this.#setBlock(request.invoke, request);
      default:
        return this.#answerAction(request);
    }
  }

  #answerAction(request: Apdu): Apdu {
    switch (request.kind) {
      case 'action-request-normal':
        return this.#act(request.invoke, request.method, request.parameters);
      case 'action-request-with-first-pblock': {
        const assembler = new BlockAssembler();
        this.#transfer = { kind: 'action-in', method: request.method, assembler };
        return this.#actionBlock(request.invoke, request);
      }
      case 'action-request-with-pblock':
        return this.#actionBlock(request.invoke, request);
      case 'action-request-next-pblock':
        return this.#next('action', request);
      default:
        return exception(SERVICE_NOT_SUPPORTED);
    }
  }

  /** The answer as it is, or its first block when the client cannot take it whole. */
  #fit(answer: Apdu, invoke: Invoke, raw: Uint8Array): Apdu {
    if (raw.length + BLOCK_HEADER_OCTETS <= this.#plainOctetsMax) return answer;
    if (!allows(this.#caller.conformance, 'block-transfer-with-get-or-read')) {
      return { kind: 'get-response-normal', invoke, result: { error: 'other-reason' } };
    }
    const blocks = cutBlocks(raw, this.#plainOctetsMax - BLOCK_HEADER_OCTETS);
    this.#transfer = { kind: 'get', blocks, next: 1 };
    return blockAnswer('get', invoke, blocks[0] as DataBlock);
  }

  #next(kind: 'get' | 'action', request: { invoke: Invoke; blockNumber: number }): Apdu {
    const transfer = this.#transfer;
    const { invoke, blockNumber } = request;
    if (transfer?.kind !== kind) return blockError(kind, invoke, 'no-long-get-in-progress');
    const block = transfer.blocks[transfer.next];
    if (block === undefined || blockNumber !== transfer.next) {
      this.#transfer = undefined;
      return blockError(kind, invoke, 'data-block-number-invalid');
    }
    transfer.next += 1;
    if (block.lastBlock) this.#transfer = undefined;
    return blockAnswer(kind, invoke, block);
  }

  #set(attribute: AttributeDescriptor, data: Parameters<typeof setAttribute>[3] | undefined) {
    if (data === undefined) return 'type-unmatched';
    return setAttribute(this.#meter, this.#caller, attribute, data);
  }

  #setBlocks(
    request: DataBlock & { readonly invoke: Invoke },
    attributes: readonly AttributeDescriptor[],
    asList: boolean,
  ): Apdu {
    this.#transfer = { kind: 'set', attributes, asList, assembler: new BlockAssembler() };
    return this.#setBlock(request.invoke, request);
  }

  #setBlock(invoke: Invoke, block: DataBlock): Apdu {
    const { blockNumber } = block;
    const transfer = this.#transfer;
    if (transfer?.kind !== 'set') {
      const result = 'no-long-set-in-progress';
      return { kind: 'set-response-last-datablock', invoke, result, blockNumber };
    }
    const whole = transfer.assembler.push(block);
    if (whole === undefined) return { kind: 'set-response-datablock', invoke, blockNumber };
    this.#transfer = undefined;
    if (!transfer.asList) {
      const [attribute] = transfer.attributes as [AttributeDescriptor];
      const result = this.#set(attribute, decodeData(whole));
      return { kind: 'set-response-last-datablock', invoke, result, blockNumber };
    }
    const reader = new Reader(whole);
    reader.length();
    const results = transfer.attributes.map((a): AccessResult => this.#set(a, readData(reader)));
    return { kind: 'set-response-last-datablock-with-list', invoke, results, blockNumber };
  }

  #actionBlock(invoke: Invoke, block: DataBlock): Apdu {
    const { blockNumber } = block;
    const transfer = this.#transfer;
    if (transfer?.kind !== 'action-in') {
      const response = { result: 'no-long-set-in-progress', returned: undefined } as const;
      return { kind: 'action-response-normal', invoke, response };
    }
    const whole = transfer.assembler.push(block);
    if (whole === undefined) return { kind: 'action-response-next-pblock', invoke, blockNumber };
    this.#transfer = undefined;
    return this.#act(invoke, transfer.method, decodeData(whole));
  }

  #act(
    invoke: Invoke,
    method: MethodDescriptor,
    parameters: ApduOf<'action-request-normal'>['parameters'],
  ): Apdu {
    const response =
      this.#ownAction(method, parameters) ??
      runMethod(this.#meter, this.#caller, method, parameters);
    const writer = new Writer();
    actionResult.write(writer, response);
    const answer: Apdu = { kind: 'action-response-normal', invoke, response };
    if (encodeApdu(answer).length <= this.#plainOctetsMax) return answer;
    const blocks = cutBlocks(writer.done(), this.#plainOctetsMax - BLOCK_HEADER_OCTETS);
    this.#transfer = { kind: 'action', blocks, next: 1 };
    return blockAnswer('action', invoke, blocks[0] as DataBlock);
  }
}

/** What must have been negotiated for each request. */
const NEEDED: Partial<Record<ApduKind, readonly ConformanceName[]>> = {
  'get-request-normal': ['get'],
  'get-request-next': ['get', 'block-transfer-with-get-or-read'],
  'get-request-with-list': ['get', 'multiple-references'],
  'set-request-normal': ['set'],
  'set-request-with-first-datablock': ['set', 'block-transfer-with-set-or-write'],
  'set-request-with-datablock': ['set', 'block-transfer-with-set-or-write'],
  'set-request-with-list': ['set', 'multiple-references'],
  'set-request-with-list-and-first-datablock': ['set', 'multiple-references'],
  'action-request-normal': ['action'],
  'action-request-next-pblock': ['action', 'block-transfer-with-action'],
  'action-request-with-first-pblock': ['action', 'block-transfer-with-action'],
  'action-request-with-pblock': ['action', 'block-transfer-with-action'],
};

const CONTINUES = new Set<ApduKind>([
  'get-request-next',
  'set-request-with-datablock',
  'action-request-next-pblock',
  'action-request-with-pblock',
]);

function blockAnswer(kind: 'get' | 'action', invoke: Invoke, block: DataBlock): Apdu {
  if (kind === 'action') return { kind: 'action-response-with-pblock', invoke, ...block };
  const { lastBlock, blockNumber, rawData } = block;
  const result = { rawData };
  return { kind: 'get-response-with-datablock', invoke, lastBlock, blockNumber, result };
}

function blockError(kind: 'get' | 'action', invoke: Invoke, error: AccessResult): Apdu {
  if (kind === 'action') {
    const response = { result: error, returned: undefined };
    return { kind: 'action-response-normal', invoke, response };
  }
  const result = { error };
  return { kind: 'get-response-with-datablock', invoke, lastBlock: true, blockNumber: 0, result };
}

/** @param code EXCEPTION_SERVICES */
export function exception(code: number, invocationCounter?: number): Apdu {
  const stateError = code === SERVICE_NOT_SUPPORTED ? 2 : 1;
  return { kind: 'exception-response', stateError, serviceError: { code, invocationCounter } };
}
