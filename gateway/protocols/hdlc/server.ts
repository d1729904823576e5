/**
 * The server (secondary station) of a link (IEC 62056-46, 6.4.4): it speaks only when polled,
 * answers SNRM with UA, anything else without a link with DM. It learns the client's address
 * and its own address form from the SNRM and answers in the same form.
 */
import { Fault, LIMITS } from '../../../domain/index.ts';
import { formatAddress, type HdlcAddress, sameStation } from './address.ts';
import type { HdlcFrame } from './frame.ts';
import { addLlc } from './llc.ts';
import { decodeParameters, encodeParameters, negotiateParameters } from './parameters.ts';
import { Station, type StationOptions } from './station.ts';

export interface ServerOptions extends StationOptions {
  /** How long a poll is kept while the application prepares its answer. */
  readonly holdMs?: number | undefined;
  readonly inactivityMs?: number | undefined;
}

export class HdlcServer extends Station {
  readonly #holdMs: number;
  readonly #inactivityMs: number;
  /** The client gave us P=1 and we have not answered with F=1. */
  #polled = false;
  #answerDue = false;
  #holdUntilMs: number | undefined;
  #idleAtMs = 0;

  constructor(options: ServerOptions) {
    super(options);
    this.#holdMs = options.holdMs ?? LIMITS.hdlcHoldMs;
    this.#inactivityMs = options.inactivityMs ?? LIMITS.hdlcInactivityMs;
  }

  /** The client of the current or last link. */
  get client(): HdlcAddress | undefined {
    return this.peer;
  }

  /** The answer to a message; goes out at once when we are polled. Throws HDLC_STATE. */
  send(apdu: Uint8Array, nowMs: number): Uint8Array {
    if (this.phase !== 'connected') {
      throw new Fault('HDLC_STATE', { state: this.phase, wanted: 'send' });
    }
    this.exchange.enqueue(addLlc('response', apdu));
    this.#answerDue = false;
    if (this.#polled) this.#speak();
    this.#arm(nowMs);
    return this.flush();
  }

  /** The message needs no answer (unconfirmed service): gives the turn back. */
  noAnswer(nowMs: number): Uint8Array {
    this.#answerDue = false;
    if (this.#polled) this.#speak();
    this.#arm(nowMs);
    return this.flush();
  }

  /** A push in UI frames to any client, with or without a link. */
  notify(to: HdlcAddress, apdu: Uint8Array): Uint8Array {
    this.writeNotification(to, 'response', apdu);
    return this.flush();
  }

  /** Gives the turn back when the application is slow, drops the link when the client is gone. */
  tick(nowMs: number): Uint8Array {
    if (this.phase !== 'connected') return this.flush();
    if (this.#holdUntilMs !== undefined && nowMs >= this.#holdUntilMs) this.#speak();
    if (nowMs >= this.#idleAtMs + this.#inactivityMs) {
      const station = this.peer === undefined ? '?' : formatAddress(this.peer);
      this.#forget();
      this.close(new Fault('HDLC_TIMEOUT', { station, tries: 0 }));
    }
    this.#arm(nowMs);
    return this.flush();
  }

  protected override onFrame(frame: HdlcFrame, nowMs: number): void {
    const { control } = frame;
    if (control.kind === 'SNRM') {
      this.#onSnrm(frame, nowMs);
      return;
    }
    if (control.kind === 'UA' || control.kind === 'DM') {
      this.ignore();
      return;
    }
    const linked = this.phase === 'connected' && this.#isClient(frame);
    if (!linked) {
      this.#onUnlinked(frame);
      return;
    }
    this.#idleAtMs = nowMs;
    if (control.kind === 'DISC') {
      this.#onDisc();
      return;
    }
    if (control.kind === 'FRMR' || control.kind === 'UI') {
      this.ignore();
      return;
    }
    this.#onNumbered(frame, nowMs);
  }

  /** FRMR names the control octet we could not take (IEC 62056-46, 6.4.4). */
  protected override onBadFrame(fault: Fault, nowMs: number): void {
    if (fault.code === 'HDLC_LIMIT' && this.phase === 'connected') {
      this.write({ kind: 'DM', pollFinal: true });
      this.#forget();
      this.close(fault);
      return;
    }
    const rejects = fault.code === 'HDLC_CONTROL' || fault.code === 'HDLC_SEQUENCE';
    if (!rejects || this.phase !== 'connected') {
      this.ignore();
      return;
    }
    const octet =
      fault.code === 'HDLC_CONTROL' ? Number.parseInt(`${fault.detail['octet']}`, 16) : 0;
    const numbers = (this.exchange.receiveNext << 5) | (this.exchange.sendNext << 1);
    const cause = fault.code === 'HDLC_CONTROL' ? 0x01 : 0x08;
    this.write({ kind: 'FRMR', pollFinal: true }, Uint8Array.of(octet, numbers, cause));
    this.#polled = false;
    this.#arm(nowMs);
  }

  #onSnrm(frame: HdlcFrame, nowMs: number): void {
    if (this.phase === 'connected' && !this.#isClient(frame)) {
      this.#answerOnce(frame, 'DM');
      return;
    }
    this.#forget();
    this.peer = frame.source;
    this.ownForm = frame.destination;
    const wanted = decodeParameters(frame.information);
    this.openExchange(negotiateParameters(this.proposal, wanted));
    const bare = frame.information.length === 0;
    this.write({ kind: 'UA', pollFinal: true }, bare ? undefined : this.#offer());
    this.#idleAtMs = nowMs;
    this.#arm(nowMs);
    this.emit({ kind: 'connected', parameters: this.parameters, peer: frame.source });
  }

  #offer(): Uint8Array {
    return encodeParameters(this.parameters);
  }

  #onDisc(): void {
    this.write({ kind: 'UA', pollFinal: true });
    this.#forget();
    this.close(undefined);
  }

  #onUnlinked(frame: HdlcFrame): void {
    if (frame.control.pollFinal || frame.control.kind === 'DISC') this.#answerOnce(frame, 'DM');
    else this.ignore();
  }

  /** An answer to somebody who is not (or not yet) our client. */
  #answerOnce(frame: HdlcFrame, kind: 'DM'): void {
    const [peer, form] = [this.peer, this.ownForm];
    this.peer = frame.source;
    this.ownForm = frame.destination;
    this.write({ kind, pollFinal: true });
    this.peer = peer;
    this.ownForm = form;
  }

  #onNumbered(frame: HdlcFrame, nowMs: number): void {
    const { control } = frame;
    if (control.kind !== 'I' && control.kind !== 'RR' && control.kind !== 'RNR') return;
    if (this.exchange.acknowledge(control.nr)) this.#onProgress();
    if (control.kind === 'I' && !this.localBusy) {
      const arrival = this.exchange.accept(control.ns, frame);
      if (arrival.kind === 'expected' && arrival.message !== undefined) {
        this.#answerDue = true;
        this.emitMessage(arrival.message);
      }
    }
    if (!control.pollFinal) return;
    this.#polled = true;
    this.exchange.rewind();
    const mayHold = control.kind === 'I' && this.#answerDue && !this.exchange.hasWaiting;
    if (control.kind === 'RNR') this.#giveTurn();
    else if (!mayHold) this.#speak();
    else this.#holdUntilMs = nowMs + this.#holdMs;
    this.#arm(nowMs);
  }

  #onProgress(): void {
    if (!this.exchange.hasUnacknowledged && !this.exchange.hasWaiting) {
      this.emit({ kind: 'delivered' });
    }
  }

  #speak(): void {
    if (!this.writeWindow()) this.writeReady();
    this.#polled = false;
    this.#holdUntilMs = undefined;
  }

  #giveTurn(): void {
    this.writeReady();
    this.#polled = false;
    this.#holdUntilMs = undefined;
  }

  #isClient(frame: HdlcFrame): boolean {
    return this.peer !== undefined && sameStation(frame.source, this.peer);
  }

  #forget(): void {
    this.#polled = false;
    this.#answerDue = false;
    this.#holdUntilMs = undefined;
  }

  #arm(nowMs: number): void {
    if (this.phase !== 'connected') return;
    const idleMs = Math.max(nowMs, this.#idleAtMs + this.#inactivityMs);
    this.timerMs = Math.min(this.#holdUntilMs ?? idleMs, idleMs);
  }
}
