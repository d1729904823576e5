/**
 * What both ends of a link share: octets in, frames for us out of them, frames out, events in
 * line. Sans-io: no socket, no clock; the caller passes monotonic milliseconds and writes the
 * octets that come back.
 */
import { type Fault, isFault, LIMITS } from '../../../domain/index.ts';
import { type HdlcAddress, isAllStation, sameStation } from './address.ts';
import type { Control } from './control.ts';
import { Deframer, type DeframerCounts } from './deframer.ts';
import { cutSegments, Exchange } from './exchange.ts';
import { decodeFrame, encodeFrame, type HdlcFrame } from './frame.ts';
import { addLlc, type LlcKind, type LlcMessage, splitLlc } from './llc.ts';
import { type Notification, NotificationAssembler } from './notifications.ts';
import { DEFAULT_PARAMETERS, type LinkParameters } from './parameters.ts';

export type LinkState = 'disconnected' | 'connecting' | 'connected' | 'disconnecting';

export type LinkEvent =
  | {
      readonly kind: 'connected';
      readonly parameters: LinkParameters;
      readonly peer: HdlcAddress;
    }
  /** `fault` is absent when either side released the link in order. */
  | { readonly kind: 'disconnected'; readonly fault: Fault | undefined }
  | ({ readonly kind: 'message' } & LlcMessage)
  /** Everything handed over so far was acknowledged. */
  | { readonly kind: 'delivered' }
  | ({ readonly kind: 'notification' } & Notification);

export interface StationOptions {
  readonly address: HdlcAddress;
  /** What we propose (client) or can do (server). */
  readonly parameters?: LinkParameters | undefined;
  readonly answerMs?: number | undefined;
  readonly retriesMax?: number | undefined;
  /** False for meters whose N(S) stays at 0. */
  readonly checkSequence?: boolean | undefined;
}

const NOTHING = new Uint8Array(0);

export abstract class Station {
  protected readonly address: HdlcAddress;
  protected readonly proposal: LinkParameters;
  protected readonly checkSequence: boolean;
  /** Our address in the form (1, 2 or 4 octets) the other side uses for it. */
  protected ownForm: HdlcAddress;
  protected peer: HdlcAddress | undefined;
  protected phase: LinkState = 'disconnected';
  protected exchange: Exchange;
  protected parameters: LinkParameters = DEFAULT_PARAMETERS;
  protected localBusy = false;
  /** When `tick` must be called at the latest. */
  protected timerMs: number | undefined;
  readonly #deframer = new Deframer();
  readonly #notifications = new NotificationAssembler();
  readonly #events: LinkEvent[] = [];
  #out: Uint8Array[] = [];
  #ignored = 0;

  protected constructor(options: StationOptions) {
    this.address = options.address;
    this.ownForm = options.address;
    this.proposal = options.parameters ?? DEFAULT_PARAMETERS;
    this.checkSequence = options.checkSequence ?? true;
    this.exchange = new Exchange(DEFAULT_PARAMETERS, this.checkSequence);
  }

  get state(): LinkState {
    return this.phase;
  }

  /** Monotonic milliseconds of the next `tick` that has something to do. */
  get deadlineMs(): number | undefined {
    return this.timerMs;
  }

  /** Frames and noise seen; `ignored` frames were for others, echoes, or made no sense here. */
  get counts(): DeframerCounts & { readonly ignored: number } {
    return { ...this.#deframer.counts, ignored: this.#ignored };
  }

  /** The next event, or undefined when more octets or time are needed. */
  next(): LinkEvent | undefined {
    return this.#events.shift();
  }

  /** Takes octets from the line; returns those to write. Never throws on what the line brings. */
  receive(octets: Uint8Array, nowMs: number): Uint8Array {
    for (const raw of this.#deframer.push(octets)) {
      try {
        this.#route(decodeFrame(raw), nowMs);
      } catch (error) {
        if (!isFault(error)) throw error;
        this.onBadFrame(error, nowMs);
      }
    }
    return this.flush();
  }

  /** Forgets an unfinished frame after the inter-octet timeout (Blue Book, class 23). */
  lineSilent(): void {
    this.#deframer.reset();
  }

  /** Says RNR instead of RR from now on (or no more): our buffers are full. */
  setBusy(busy: boolean): void {
    this.localBusy = busy;
  }

  protected abstract onFrame(frame: HdlcFrame, nowMs: number): void;
  protected abstract onBadFrame(fault: Fault, nowMs: number): void;

  protected flush(): Uint8Array {
    if (this.#out.length === 0) return NOTHING;
    const octets = Buffer.concat(this.#out);
    this.#out = [];
    return octets;
  }

  protected write(control: Control, information: Uint8Array = NOTHING, segmented = false): void {
    const destination = this.peer;
    if (destination === undefined) return;
    const frame = { destination, source: this.ownForm, control, segmented, information };
    this.#out.push(encodeFrame(frame));
  }

  /** RR or RNR with the current N(R). */
  protected writeReady(): void {
    const kind = this.localBusy ? 'RNR' : 'RR';
    this.write({ kind, nr: this.exchange.receiveNext, pollFinal: true });
  }

  /** As many I frames as the window allows, poll/final on the last. False when there was none. */
  protected writeWindow(): boolean {
    const segments = this.exchange.take();
    const nr = this.exchange.receiveNext;
    segments.forEach(({ ns, information, segmented }, i) => {
      const pollFinal = i === segments.length - 1;
      this.write({ kind: 'I', ns, nr, pollFinal }, information, segmented);
    });
    return segments.length > 0;
  }

  /** A message in unnumbered frames, acknowledged by nobody. */
  protected writeNotification(to: HdlcAddress, llc: LlcKind, apdu: Uint8Array): void {
    const segments = cutSegments(addLlc(llc, apdu), this.parameters.maxInfoTransmit);
    for (const { information, segmented } of segments) {
      const control: Control = { kind: 'UI', pollFinal: !segmented };
      const frame = { destination: to, source: this.address, control, segmented, information };
      this.#out.push(encodeFrame(frame));
    }
  }

  protected emit(event: LinkEvent): void {
    if (this.#events.length >= LIMITS.hdlcEventsMax && event.kind === 'notification') {
      this.#ignored += 1;
      return;
    }
    this.#events.push(event);
  }

  protected emitMessage(message: Uint8Array): void {
    this.emit({ kind: 'message', ...splitLlc(message) });
  }

  protected ignore(): void {
    this.#ignored += 1;
  }

  /** Fresh numbers on both sides, under the given parameters. */
  protected openExchange(parameters: LinkParameters): void {
    this.parameters = parameters;
    this.exchange = new Exchange(parameters, this.checkSequence);
    this.phase = 'connected';
  }

  protected close(fault: Fault | undefined): void {
    this.phase = 'disconnected';
    this.timerMs = undefined;
    this.parameters = DEFAULT_PARAMETERS;
    this.exchange = new Exchange(DEFAULT_PARAMETERS, this.checkSequence);
    this.emit({ kind: 'disconnected', fault });
  }

  /** A push that is too long costs that push, not the link. */
  #onNotification(frame: HdlcFrame): void {
    try {
      const message = this.#notifications.push(frame);
      if (message !== undefined) this.emit({ kind: 'notification', ...message });
    } catch (error) {
      if (!isFault(error)) throw error;
      this.ignore();
    }
  }

  #route(frame: HdlcFrame, nowMs: number): void {
    const toAll = isAllStation(frame.destination);
    // This also drops the echo of our own frames that optical heads and RS-485 lines give back.
    if (!toAll && !sameStation(frame.destination, this.address)) {
      this.ignore();
      return;
    }
    if (frame.control.kind === 'UI') {
      this.#onNotification(frame);
      return;
    }
    if (toAll) {
      this.ignore();
      return;
    }
    this.onFrame(frame, nowMs);
  }
}
