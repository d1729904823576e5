/**
 * The client (primary station) of a link in normal response mode (IEC 62056-46, 6.4.4). It
 * speaks with P=1 and waits for F=1; silence until the deadline repeats what is outstanding,
 * under the same numbers.
 *
 *   const link = new HdlcClient({ address: clientAddress(16), server: serverAddress(1, 17) });
 *   socket.write(link.connect(nowMs));
 *   socket.write(link.receive(chunk, nowMs));   // may be empty
 *   for (let e = link.next(); e !== undefined; e = link.next()) handle(e);
 *   if (nowMs >= (link.deadlineMs ?? Infinity)) socket.write(link.tick(nowMs));
 */
import { Fault, LIMITS } from '../../../domain/index.ts';
import { formatAddress, type HdlcAddress, sameStation } from './address.ts';
import type { HdlcFrame } from './frame.ts';
import { addLlc } from './llc.ts';
import { decodeParameters, encodeParameters, negotiateParameters } from './parameters.ts';
import { Station, type StationOptions } from './station.ts';

export interface ClientOptions extends StationOptions {
  readonly server: HdlcAddress;
  readonly pollMs?: number | undefined;
  readonly pollsMax?: number | undefined;
}

export class HdlcClient extends Station {
  readonly #server: HdlcAddress;
  readonly #sendParameters: boolean;
  readonly #answerMs: number;
  readonly #retriesMax: number;
  readonly #pollMs: number;
  readonly #pollsMax: number;
  /** P=1 is out and F=1 has not come back. */
  #awaitingFinal = false;
  #answerDue = false;
  #retries = 0;
  #polls = 0;

  constructor(options: ClientOptions) {
    super(options);
    this.#server = options.server;
    this.peer = options.server;
    this.#sendParameters = options.parameters !== undefined;
    this.#answerMs = options.answerMs ?? LIMITS.hdlcAnswerMs;
    this.#retriesMax = options.retriesMax ?? LIMITS.hdlcRetriesMax;
    this.#pollMs = options.pollMs ?? LIMITS.hdlcPollMs;
    this.#pollsMax = options.pollsMax ?? LIMITS.hdlcPollsMax;
  }

  /** SNRM. Throws HDLC_STATE unless disconnected. */
  connect(nowMs: number): Uint8Array {
    this.#require('disconnected', 'connect');
    this.phase = 'connecting';
    this.#retries = 0;
    this.#writeSnrm(nowMs);
    return this.flush();
  }

  /**
   * An APDU to the server, cut into segments. With `answer: false` (unconfirmed service) the
   * link rests once the server has acknowledged it. Throws HDLC_STATE unless connected.
   */
  send(apdu: Uint8Array, nowMs: number, { answer = true } = {}): Uint8Array {
    this.#require('connected', 'send');
    this.exchange.enqueue(addLlc('command', apdu));
    this.#answerDue = answer;
    this.#polls = 0;
    if (!this.#awaitingFinal) this.#speak(nowMs);
    return this.flush();
  }

  /** An RR that keeps the server from dropping an idle link. */
  keepAlive(nowMs: number): Uint8Array {
    this.#require('connected', 'keep alive');
    if (!this.#awaitingFinal) this.#poll(nowMs);
    return this.flush();
  }

  /** DISC. Throws HDLC_STATE unless connected or connecting. */
  disconnect(nowMs: number): Uint8Array {
    if (this.phase !== 'connected' && this.phase !== 'connecting') {
      throw new Fault('HDLC_STATE', { state: this.phase, wanted: 'disconnect' });
    }
    this.phase = 'disconnecting';
    this.#retries = 0;
    this.write({ kind: 'DISC', pollFinal: true });
    this.#awaitFinal(nowMs);
    return this.flush();
  }

  /** Repeats or polls when the deadline has passed; ends the link when all tries are used up. */
  tick(nowMs: number): Uint8Array {
    if (this.timerMs === undefined || nowMs < this.timerMs) return this.flush();
    this.timerMs = undefined;
    if (!this.#awaitingFinal) this.#poll(nowMs);
    else if (this.#mayRetry()) this.#repeat(nowMs);
    return this.flush();
  }

  protected override onFrame(frame: HdlcFrame, nowMs: number): void {
    if (!sameStation(frame.source, this.#server)) {
      this.ignore();
      return;
    }
    switch (frame.control.kind) {
      case 'UA':
        this.#onUa(frame);
        return;
      case 'DM':
        this.#onDm();
        return;
      case 'FRMR':
        this.#fail(this.#refused('frame reject'));
        return;
      case 'I':
      case 'RR':
      case 'RNR':
        if (this.phase === 'connected') this.#onNumbered(frame, nowMs);
        else this.ignore();
        return;
      default:
        this.ignore();
        return;
    }
  }

  /** A message too long ends the link: its tail must not be taken for a message. */
  protected override onBadFrame(fault: Fault): void {
    if (fault.code === 'HDLC_LIMIT' && this.phase === 'connected') this.#fail(fault);
    else this.ignore();
  }

  #onUa(frame: HdlcFrame): void {
    this.#rest();
    if (this.phase === 'disconnecting') {
      this.close(undefined);
      return;
    }
    if (this.phase !== 'connecting') {
      this.ignore();
      return;
    }
    const offered = decodeParameters(frame.information);
    this.openExchange(negotiateParameters(this.proposal, offered));
    this.emit({ kind: 'connected', parameters: this.parameters, peer: this.#server });
  }

  #onDm(): void {
    if (this.phase === 'disconnected') {
      this.ignore();
      return;
    }
    this.#fail(this.phase === 'disconnecting' ? undefined : this.#refused('disconnected mode'));
  }

  #onNumbered(frame: HdlcFrame, nowMs: number): void {
    const { control } = frame;
    if (control.kind !== 'I' && control.kind !== 'RR' && control.kind !== 'RNR') return;
    if (this.exchange.acknowledge(control.nr)) this.#onProgress();
    const arrival = control.kind === 'I' ? this.#onInformation(frame, control.ns) : 'none';
    if (!control.pollFinal) {
      if (this.#awaitingFinal) this.timerMs = nowMs + this.#answerMs;
      return;
    }
    this.#rest();
    const stuck = arrival === 'lost' || this.exchange.hasUnacknowledged;
    if (stuck && !this.#mayRetry()) return;
    this.exchange.rewind();
    if (control.kind === 'RNR') {
      this.#waitForTurn(nowMs);
      return;
    }
    const goOn = stuck || this.exchange.hasWaiting || arrival === 'part';
    if (goOn) {
      this.#speak(nowMs);
      return;
    }
    if (this.#answerDue || this.exchange.isReceiving) this.#waitForTurn(nowMs);
  }

  #onInformation(frame: HdlcFrame, ns: number): 'part' | 'whole' | 'lost' | 'none' {
    if (this.localBusy) return 'lost';
    const arrival = this.exchange.accept(ns, frame);
    if (arrival.kind === 'duplicate' && !this.#answerDue) return 'none';
    if (arrival.kind !== 'expected') return 'lost';
    this.#retries = 0;
    this.#polls = 0;
    if (arrival.message === undefined) return 'part';
    this.#answerDue = false;
    this.emitMessage(arrival.message);
    return 'whole';
  }

  #onProgress(): void {
    this.#retries = 0;
    if (!this.exchange.hasUnacknowledged && !this.exchange.hasWaiting) {
      this.emit({ kind: 'delivered' });
    }
  }

  #speak(nowMs: number): void {
    if (!this.writeWindow()) this.writeReady();
    this.#awaitFinal(nowMs);
  }

  #poll(nowMs: number): void {
    this.writeReady();
    this.#awaitFinal(nowMs);
  }

  /** The server is busy or still thinks: ask again a little later, but not for ever. */
  #waitForTurn(nowMs: number): void {
    this.#polls += 1;
    if (this.#polls > this.#pollsMax) {
      this.#fail(this.#timeout(this.#polls));
      return;
    }
    this.timerMs = nowMs + this.#pollMs;
  }

  #repeat(nowMs: number): void {
    if (this.phase === 'connecting') {
      this.#writeSnrm(nowMs);
      return;
    }
    if (this.phase === 'disconnecting') {
      this.write({ kind: 'DISC', pollFinal: true });
      this.#awaitFinal(nowMs);
      return;
    }
    this.exchange.rewind();
    this.#speak(nowMs);
  }

  #writeSnrm(nowMs: number): void {
    const information = this.#sendParameters ? encodeParameters(this.proposal) : undefined;
    this.write({ kind: 'SNRM', pollFinal: true }, information);
    this.#awaitFinal(nowMs);
  }

  #awaitFinal(nowMs: number): void {
    this.#awaitingFinal = true;
    this.timerMs = nowMs + this.#answerMs;
  }

  #rest(): void {
    this.#awaitingFinal = false;
    this.timerMs = undefined;
  }

  #mayRetry(): boolean {
    this.#retries += 1;
    if (this.#retries <= this.#retriesMax) return true;
    this.#fail(this.#timeout(this.#retries));
    return false;
  }

  #fail(fault: Fault | undefined): void {
    this.#rest();
    this.#answerDue = false;
    this.close(fault);
  }

  #timeout(tries: number): Fault {
    return new Fault('HDLC_TIMEOUT', { station: formatAddress(this.#server), tries });
  }

  #refused(detail: string): Fault {
    return new Fault('HDLC_REFUSED', { station: formatAddress(this.#server), detail });
  }

  #require(state: 'disconnected' | 'connected', wanted: string): void {
    if (this.phase !== state) throw new Fault('HDLC_STATE', { state: this.phase, wanted });
  }
}
