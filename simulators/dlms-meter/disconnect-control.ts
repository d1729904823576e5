/**
 * Disconnect control, class 70 (Blue Book, 4.5.8): the logical state, the contact, and which way
 * of switching does what in each control mode.
 */
export type ControlState = 0 | 1 | 2;
export const CONTROL = { disconnected: 0, connected: 1, ready: 2 } as const;

export type SwitchKind =
  | 'remote-disconnect'
  | 'remote-reconnect'
  | 'manual-disconnect'
  | 'manual-reconnect'
  | 'local-disconnect'
  | 'local-reconnect';

export type RelayFault =
  | 'none'
  | 'stuck' // the state moves, the contact does not
  | 'refusing'; // the method answers hardware-fault

export const CONTROL_MODES = [0, 1, 2, 3, 4, 5, 6] as const;
export type ControlMode = (typeof CONTROL_MODES)[number];

interface ModeRule {
  readonly manualDisconnect: boolean;
  /** State after a remote reconnect: at once, or when somebody has pressed the button. */
  readonly remoteReconnect: typeof CONTROL.connected | typeof CONTROL.ready;
  readonly localReconnect: boolean;
}

// biome-ignore format: a table reads best with one row a line
const MODES: Readonly<Record<Exclude<ControlMode, 0>, ModeRule>> = {
  1: { manualDisconnect: true, remoteReconnect: CONTROL.ready, localReconnect: false },
  2: { manualDisconnect: true, remoteReconnect: CONTROL.connected, localReconnect: false },
  3: { manualDisconnect: false, remoteReconnect: CONTROL.ready, localReconnect: false },
  4: { manualDisconnect: false, remoteReconnect: CONTROL.connected, localReconnect: false },
  5: { manualDisconnect: true, remoteReconnect: CONTROL.ready, localReconnect: true },
  6: { manualDisconnect: false, remoteReconnect: CONTROL.ready, localReconnect: true },
};

/** The state after, or undefined when this way does nothing in this mode and state. */
export function nextState(
  mode: ControlMode,
  state: ControlState,
  kind: SwitchKind,
): ControlState | undefined {
  if (mode === 0) return undefined;
  const rule = MODES[mode];
  switch (kind) {
    case 'remote-disconnect':
      return state === CONTROL.disconnected ? undefined : CONTROL.disconnected;
    case 'remote-reconnect':
      return state === CONTROL.disconnected ? rule.remoteReconnect : undefined;
    case 'manual-disconnect':
      return rule.manualDisconnect && state === CONTROL.connected ? CONTROL.ready : undefined;
    case 'manual-reconnect':
      return state === CONTROL.ready ? CONTROL.connected : undefined;
    case 'local-disconnect':
      return state === CONTROL.connected ? CONTROL.ready : undefined;
    case 'local-reconnect':
      return rule.localReconnect && state === CONTROL.ready ? CONTROL.connected : undefined;
  }
}

export class DisconnectControl {
  mode: ControlMode;
  fault: RelayFault = 'none';
  #state: ControlState = CONTROL.connected;
  #closed = true;
  readonly #onContact: (closed: boolean, kind: SwitchKind) => void;

  /** `onContact` is told before the contact moves. */
  constructor(mode: ControlMode, onContact: (closed: boolean, kind: SwitchKind) => void) {
    this.mode = mode;
    this.#onContact = onContact;
  }

  /** output_state: the contact itself. */
  get closed(): boolean {
    return this.#closed;
  }

  get state(): ControlState {
    return this.#state;
  }

  /** True when this way of switching is known to the mode, whatever it changed. */
  operate(kind: SwitchKind): boolean {
    if (this.mode === 0) return false;
    const next = nextState(this.mode, this.#state, kind);
    if (next === undefined) return true;
    this.#state = next;
    const closed = next === CONTROL.connected;
    if (closed === this.#closed || this.fault === 'stuck') return true;
    this.#onContact(closed, kind);
    this.#closed = closed;
    return true;
  }
}
