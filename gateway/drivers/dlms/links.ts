/**
 * One APDU out, one APDU in, over the wrapper or over HDLC. A time-out or damage ends the link:
 * an answer that comes after it could be taken for that of the next request.
 */
import { type Clock, Fault, LIMITS } from '../../../domain/index.ts';
import { encodeWpdu, WrapperReader } from '../../protocols/dlms/wrapper.ts';
import { clientAddress, serverAddress } from '../../protocols/hdlc/address.ts';
import { HdlcClient } from '../../protocols/hdlc/client.ts';
import type { DlmsTarget } from './target.ts';
import { type Line, openTcpLine } from './tcp-line.ts';

export interface ApduLink {
  /** Rejects with DLMS_TIMEOUT, DLMS_CLOSED, DLMS_WRAPPER or HDLC_*; the link is then of no use. */
  exchange(apdu: Uint8Array, what: string, timeoutMs?: number): Promise<Uint8Array>;
  /** DISC where there is one, then the connection. Never rejects. */
  close(): Promise<void>;
}

export async function openLink(clock: Clock, target: DlmsTarget): Promise<ApduLink> {
  const line = await openTcpLine(clock, target.host, target.port);
  if (target.framing === 'wrapper') return new WrapperLink(clock, target, line);
  const link = new HdlcLink(clock, target, line);
  try {
    await link.connect();
    return link;
  } catch (error) {
    line.close();
    throw error;
  }
}

/** DataNotification and EventNotification: pushed, nobody asked. */
const PUSHED = new Set([0x0f, 0xc2, 0xca, 0xd2]);

class WrapperLink implements ApduLink {
  readonly #clock: Clock;
  readonly #target: DlmsTarget;
  readonly #line: Line;
  readonly #reader = new WrapperReader();

  constructor(clock: Clock, target: DlmsTarget, line: Line) {
    this.#clock = clock;
    this.#target = target;
    this.#line = line;
  }

  async exchange(
    apdu: Uint8Array,
    what: string,
    timeoutMs = this.#target.answerMs ?? LIMITS.dlmsAnswerMs,
  ): Promise<Uint8Array> {
    const { clientSap, serverSap } = this.#target;
    try {
      this.#line.write(encodeWpdu({ source: clientSap, destination: serverSap, apdu }));
      const untilMs = this.#clock.monotonicMs() + timeoutMs;
      for (;;) {
        const chunk = await this.#line.read(untilMs - this.#clock.monotonicMs(), what);
        if (chunk === undefined) throw new Fault('DLMS_TIMEOUT', { what, timeoutMs });
        for (const wpdu of this.#reader.push(chunk)) {
          const ours = wpdu.source === serverSap && wpdu.destination === clientSap;
          if (ours && !PUSHED.has(wpdu.apdu[0] ?? 0)) return wpdu.apdu;
        }
      }
    } catch (error) {
      this.#line.close();
      throw error;
    }
  }

  async close(): Promise<void> {
    this.#line.close();
  }
}

/** What we propose; the meter answers with what it can. */
const PARAMETERS = {
  maxInfoTransmit: 1_024,
  maxInfoReceive: 1_024,
  windowTransmit: 1,
  windowReceive: 1,
};

class HdlcLink implements ApduLink {
  readonly #clock: Clock;
  readonly #line: Line;
  readonly #link: HdlcClient;
  readonly #answerMs: number;

  constructor(clock: Clock, target: DlmsTarget, line: Line) {
    this.#clock = clock;
    this.#line = line;
    this.#answerMs = target.answerMs ?? LIMITS.dlmsAnswerMs;
    this.#link = new HdlcClient({
      address: clientAddress(target.clientSap),
      server: serverAddress(target.serverSap, target.physical, target.addressOctets),
      parameters: PARAMETERS,
      // All tries of one frame fit into what one answer may take.
      answerMs: Math.min(LIMITS.hdlcAnswerMs, this.#answerMs / (LIMITS.hdlcRetriesMax + 1)),
    });
  }

  async connect(): Promise<void> {
    this.#line.write(this.#link.connect(this.#clock.monotonicMs()));
    await this.#until('connected', 'SNRM', this.#answerMs);
  }

  async exchange(apdu: Uint8Array, what: string, timeoutMs?: number): Promise<Uint8Array> {
    this.#line.write(this.#link.send(apdu, this.#clock.monotonicMs()));
    const event = await this.#until('message', what, timeoutMs ?? this.#answerMs);
    return event.kind === 'message' ? event.apdu : new Uint8Array(0);
  }

  async close(): Promise<void> {
    try {
      if (this.#link.state === 'connected') {
        this.#line.write(this.#link.disconnect(this.#clock.monotonicMs()));
        await this.#until('disconnected', 'DISC', LIMITS.dlmsReleaseMs);
      }
    } catch {
      // the connection goes either way
    } finally {
      this.#line.close();
    }
  }

  async #until(kind: 'connected' | 'message' | 'disconnected', what: string, timeoutMs: number) {
    const untilMs = this.#clock.monotonicMs() + timeoutMs;
    try {
      for (;;) {
        for (let e = this.#link.next(); e !== undefined; e = this.#link.next()) {
          if (e.kind === kind) return e;
          if (e.kind === 'disconnected') throw e.fault ?? new Fault('DLMS_CLOSED', { what });
        }
        const now = this.#clock.monotonicMs();
        if (now >= untilMs) throw new Fault('DLMS_TIMEOUT', { what, timeoutMs });
        const wakeMs = Math.min(untilMs, this.#link.deadlineMs ?? untilMs);
        const chunk = await this.#line.read(wakeMs - now, what);
        const later = this.#clock.monotonicMs();
        this.#line.write(
          chunk === undefined ? this.#link.tick(later) : this.#link.receive(chunk, later),
        );
      }
    } catch (error) {
      this.#line.close();
      throw error;
    }
  }
}
