/**
 * One association with one meter: GET, SET, ACTION, one after the other, with block transfer both
 * ways. Nothing here is repeated: after a fault the session is over, and whoever opened it knows
 * whether its work may be done again.
 */
import { type Clock, Fault, isFault, type RandomBytes } from '../../../domain/index.ts';
import type { Apdu } from '../../protocols/dlms/apdu.ts';
import { BlockAssembler, cutBlocks, type DataBlock } from '../../protocols/dlms/blocks.ts';
import type { ConformanceName } from '../../protocols/dlms/conformance.ts';
import { Reader } from '../../protocols/dlms/cursor.ts';
import { decodeData, encodeData } from '../../protocols/dlms/data.ts';
import {
  type ActionResult,
  type AttributeDescriptor,
  actionResult,
  type GetResult,
  getResult,
  type MethodDescriptor,
  type SelectedAttribute,
  type Selection,
} from '../../protocols/dlms/fields.ts';
import { list } from '../../protocols/dlms/schema.ts';
import type { Data } from '../../protocols/dlms/types.ts';
import { associate, hlsPass3, hlsPass4 } from './association.ts';
import { Channel, type Request } from './channel.ts';
import type { Counters } from './counters.ts';
import type { Evidence } from './evidence.ts';
import { openLink } from './links.ts';
import { ClientProtection } from './protection.ts';
import type { DlmsTarget } from './target.ts';

export interface SessionPorts {
  readonly clock: Clock;
  readonly random: RandomBytes;
  readonly counters: Counters;
}

/** Of a datablock request, beside its descriptor and raw data. */
const BLOCK_OCTETS = 48;

export class DlmsSession {
  readonly target: DlmsTarget;
  readonly clock: Clock;
  readonly #channel: Channel;
  #lists = true;

  private constructor(clock: Clock, target: DlmsTarget, channel: Channel) {
    this.target = target;
    this.clock = clock;
    this.#channel = channel;
  }

  /** Connects, associates and, where asked for, passes HLS. Rejects with DLMS_* or HDLC_*. */
  static async open(ports: SessionPorts, target: DlmsTarget): Promise<DlmsSession> {
    const protection = await ClientProtection.of(target, ports.counters);
    const link = await openLink(ports.clock, target);
    try {
      const { negotiated, challenges } = await associate(link, target, protection, ports.random);
      const channel = new Channel(link, protection, negotiated);
      const session = new DlmsSession(ports.clock, target, channel);
      if (protection !== undefined) await session.#authenticate(protection, challenges);
      return session;
    } catch (error) {
      await link.close();
      throw error;
    }
  }

  get evidence(): Evidence {
    return this.#channel.evidence;
  }

  can(name: ConformanceName): boolean {
    return this.#channel.can(name);
  }

  /** Throws DLMS_ACCESS with the reason the meter gives. */
  async get(attribute: AttributeDescriptor, selection?: Selection): Promise<Data> {
    const result = await this.tryGet(attribute, selection);
    if ('data' in result) return result.data;
    throw new Fault('DLMS_ACCESS', { what: sayAttribute(attribute), result: result.error });
  }

  async tryGet(attribute: AttributeDescriptor, selection?: Selection): Promise<GetResult> {
    const what = `GET ${sayAttribute(attribute)}`;
    const { classId, instance, attributeId } = attribute;
    const answer = await this.#channel.ask(what, {
      kind: 'get-request-normal',
      invoke: this.#channel.nextInvoke(),
      attribute: { classId, instance, attributeId },
      selection,
    });
    if (answer.kind === 'get-response-normal') return answer.result;
    const raw = await this.#joinGet(what, answer);
    return 'error' in raw ? raw : { data: decodeData(raw.octets) };
  }

  /**
   * Several attributes, in one request where that was negotiated and the meter answers properly,
   * else one by one.
   */
  async getList(attributes: readonly SelectedAttribute[]): Promise<readonly GetResult[]> {
    const together = this.#lists && this.can('multiple-references');
    if (together && attributes.length > 1) {
      const results = await this.#getWithList(attributes);
      if (results.length === attributes.length) return results;
      this.#lists = false;
    }
    const results: GetResult[] = [];
    for (const { selection, ...attribute } of attributes) {
      results.push(await this.tryGet(attribute, selection));
    }
    return results;
  }

  /** Throws DLMS_ACCESS. */
  async set(attribute: AttributeDescriptor, data: Data): Promise<void> {
    const what = `SET ${sayAttribute(attribute)}`;
    const value = encodeData(data);
    const answer =
      value.length + BLOCK_OCTETS <= this.#channel.plainOctetsMax()
        ? await this.#channel.ask(what, {
            kind: 'set-request-normal',
            invoke: this.#channel.nextInvoke(),
            attribute,
            selection: undefined,
            data,
          })
        : await this.#setInBlocks(what, attribute, value);
    const known =
      answer.kind === 'set-response-normal' || answer.kind === 'set-response-last-datablock';
    if (!known) throw unexpected(what, answer);
    if (answer.result !== 'success') {
      throw new Fault('DLMS_ACCESS', { what, result: answer.result });
    }
  }

  /** What the meter made of it; a refusal is a result, not a fault. */
  async action(method: MethodDescriptor, parameters?: Data): Promise<ActionResult> {
    const what = `ACTION ${method.classId}/${method.instance}/${method.methodId}`;
    const value = parameters === undefined ? undefined : encodeData(parameters);
    const answer =
      value === undefined || value.length + BLOCK_OCTETS <= this.#channel.plainOctetsMax()
        ? await this.#channel.ask(what, {
            kind: 'action-request-normal',
            invoke: this.#channel.nextInvoke(),
            method,
            parameters,
          })
        : await this.#actInBlocks(what, method, value);
    if (answer.kind === 'action-response-normal') return answer.response;
    if (answer.kind !== 'action-response-with-pblock') throw unexpected(what, answer);
    return this.#joinAction(what, answer);
  }

  /** Release and disconnect. Rejects only when accepted counters cannot be stored. */
  close(): Promise<void> {
    return this.#channel.close();
  }

  async #authenticate(
    protection: ClientProtection,
    challenges: { readonly sent: Uint8Array; readonly received: Uint8Array },
  ): Promise<void> {
    const value = await hlsPass3(protection, challenges);
    const method = { classId: 15, instance: '0-0:40.0.0', methodId: 1 };
    const { result, returned } = await this.action(method, { type: 'octet-string', value });
    if (result !== 'success') throw new Fault('DLMS_REFUSED', { detail: `HLS: ${result}` });
    hlsPass4(protection, challenges, returned && 'data' in returned ? returned.data : undefined);
  }

  /** Nothing where the meter refuses a list, or answers one that is none: some do. */
  async #getWithList(attributes: readonly SelectedAttribute[]): Promise<readonly GetResult[]> {
    try {
      return await this.#askList(attributes);
    } catch (error) {
      if (this.#channel.over || !isFault(error)) throw error;
      return [];
    }
  }

  async #askList(attributes: readonly SelectedAttribute[]): Promise<readonly GetResult[]> {
    const what = `GET of ${attributes.length} attributes`;
    const answer = await this.#channel.ask(what, {
      kind: 'get-request-with-list',
      invoke: this.#channel.nextInvoke(),
      attributes,
    });
    if (answer.kind === 'get-response-with-list') return answer.results;
    const raw = await this.#joinGet(what, answer);
    if ('error' in raw) return [];
    const reader = new Reader(raw.octets);
    const results = list(getResult).read(reader);
    reader.end(what);
    return results;
  }

  async #joinGet(what: string, first: Apdu): Promise<{ octets: Uint8Array } | ErrorResult> {
    const blocks = new BlockAssembler();
    let answer = first;
    for (;;) {
      if (answer.kind !== 'get-response-with-datablock') throw unexpected(what, answer);
      if ('error' in answer.result) return answer.result;
      const { lastBlock, blockNumber, result, invoke } = answer;
      const octets = blocks.push({ lastBlock, blockNumber, rawData: result.rawData });
      if (octets !== undefined) return { octets };
      answer = await this.#channel.ask(what, { kind: 'get-request-next', invoke, blockNumber });
    }
  }

  async #joinAction(what: string, first: Apdu): Promise<ActionResult> {
    const blocks = new BlockAssembler();
    let answer = first;
    for (;;) {
      if (answer.kind !== 'action-response-with-pblock') throw unexpected(what, answer);
      const { invoke, blockNumber } = answer;
      const octets = blocks.push(answer);
      if (octets !== undefined) {
        const reader = new Reader(octets);
        const result = actionResult.read(reader);
        reader.end(what);
        return result;
      }
      answer = await this.#channel.ask(what, {
        kind: 'action-request-next-pblock',
        invoke,
        blockNumber,
      });
    }
  }

  async #setInBlocks(what: string, attribute: AttributeDescriptor, value: Uint8Array) {
    this.#require('block-transfer-with-set-or-write', what);
    const invoke = this.#channel.nextInvoke();
    return this.#sendBlocks(what, value, 'set-response-datablock', (block) =>
      block.blockNumber === 1
        ? {
            kind: 'set-request-with-first-datablock',
            invoke,
            attribute,
            selection: undefined,
            ...block,
          }
        : { kind: 'set-request-with-datablock', invoke, ...block },
    );
  }

  async #actInBlocks(what: string, method: MethodDescriptor, value: Uint8Array) {
    this.#require('block-transfer-with-action', what);
    const invoke = this.#channel.nextInvoke();
    return this.#sendBlocks(what, value, 'action-response-next-pblock', (block) =>
      block.blockNumber === 1
        ? { kind: 'action-request-with-first-pblock', invoke, method, ...block }
        : { kind: 'action-request-with-pblock', invoke, ...block },
    );
  }

  /** All blocks but the last are acknowledged by `more`; the answer to the last is the answer. */
  async #sendBlocks(
    what: string,
    value: Uint8Array,
    more: 'set-response-datablock' | 'action-response-next-pblock',
    request: (block: DataBlock) => Request,
  ): Promise<Apdu> {
    const blocks = cutBlocks(value, Math.max(1, this.#channel.plainOctetsMax() - BLOCK_OCTETS));
    let answer: Apdu | undefined;
    for (const block of blocks) {
      answer = await this.#channel.ask(what, request(block));
      if (block.lastBlock || answer.kind !== more) break;
      if (answer.blockNumber !== block.blockNumber) {
        const detail = `block ${answer.blockNumber} acknowledged, ${block.blockNumber} was sent`;
        throw new Fault('DLMS_BLOCK', { detail });
      }
    }
    return answer as Apdu;
  }

  #require(name: ConformanceName, what: string): void {
    if (this.can(name)) return;
    throw new Fault('DLMS_ACCESS', { what, result: `${name} was not negotiated` });
  }
}

type ErrorResult = Extract<GetResult, { error: unknown }>;

function unexpected(what: string, { kind }: Apdu): Fault {
  return new Fault('DLMS_ANSWER', { what, got: kind });
}

export function sayAttribute({ classId, instance, attributeId }: AttributeDescriptor): string {
  return `${classId}/${instance}/${attributeId}`;
}
