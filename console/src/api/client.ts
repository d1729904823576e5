/** Calls to the API: bearer key, problem+json, and the way back to sign-in when a key is refused. */
import { apiKey, signOut } from './session.ts';

export class ApiProblem extends Error {
  /** 0: no answer came. */
  readonly status: number;
  /** Stable code of the API's error table, or NETWORK. */
  readonly code: string;

  constructor(status: number, code: string, detail: string) {
    super(detail);
    this.status = status;
    this.code = code;
  }
}

export interface CallOptions {
  readonly method?: 'GET' | 'POST';
  readonly body?: unknown;
  readonly signal?: AbortSignal;
  /** A key that is tried; otherwise the one of the session. */
  readonly key?: string;
  /** Statuses above 299 that carry an ordinary answer, such as 503 of /readyz. */
  readonly alsoFine?: readonly number[];
}

const PATIENCE_MS = 20_000;

/** Throws ApiProblem; an aborted call throws the signal's reason. */
export async function call<T>(path: string, options: CallOptions = {}): Promise<T> {
  const response = await send(path, options);
  const body: unknown = await response.json().catch(() => null);
  if (response.ok || options.alsoFine?.includes(response.status)) return body as T;
  if (response.status === 401 && options.key === undefined) signOut('refused');
  const { code, detail } = (body ?? {}) as { code?: string; detail?: string };
  throw new ApiProblem(response.status, code ?? 'INTERNAL', detail ?? response.statusText);
}

async function send(path: string, options: CallOptions): Promise<Response> {
  const { method = 'GET', body, signal } = options;
  const headers = new Headers({ accept: 'application/json' });
  const key = options.key ?? apiKey.get();
  if (key !== null) headers.set('authorization', `Bearer ${key}`);
  if (body !== undefined) headers.set('content-type', 'application/json');
  const timeout = AbortSignal.timeout(PATIENCE_MS);
  try {
    return await fetch(path, {
      method,
      headers,
      cache: 'no-store',
      signal: signal === undefined ? timeout : AbortSignal.any([signal, timeout]),
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new ApiProblem(0, 'NETWORK', error instanceof Error ? error.message : String(error));
  }
}
