/** A head-end system: a few keep-alive connections that push bodies made before. */
import { Agent, request } from 'node:http';
import { ndjsonOf, pushesOf } from '../load.ts';
import type { PushOrder, PushReport } from './protocol.ts';

export class HeadEnd {
  #order: PushOrder | undefined;
  #bodies: Buffer[] = [];
  #agent: Agent | undefined;

  prepare(order: PushOrder): void {
    this.#order = order;
    this.#bodies = pushesOf(order.load).map(ndjsonOf);
    this.#agent ??= new Agent({ keepAlive: true, maxSockets: order.pushers });
  }

  /** Resolves at the last 202; any other answer rejects. */
  async push(): Promise<PushReport> {
    const order = this.#order as PushOrder;
    const bodies = this.#bodies;
    let next = 0;
    const started = performance.now();
    const pusher = async () => {
      while (next < bodies.length) {
        const n = next;
        next += 1;
        await this.#send(order, bodies[n] as Buffer, `${order.key}-${n}`);
      }
    };
    await Promise.all(Array.from({ length: order.pushers }, pusher));
    const elapsedMs = performance.now() - started;
    return {
      pushes: bodies.length,
      bytes: bodies.reduce((sum, body) => sum + body.length, 0),
      elapsedMs,
    };
  }

  #send(order: PushOrder, body: Buffer, key: string): Promise<void> {
    return new Promise((resolve, reject) => {
      const post = request(`${order.url}/v1/readings`, {
        agent: this.#agent,
        method: 'POST',
        headers: {
          authorization: `Bearer ${order.token}`,
          'content-type': 'application/x-ndjson',
          'content-length': body.length,
          'idempotency-key': key,
        },
      });
      post.once('error', reject);
      post.once('response', (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.once('end', () => {
          if (response.statusCode === 202) return resolve();
          const text = Buffer.concat(chunks).toString('utf8').slice(0, 500);
          reject(new Error(`push answered ${response.statusCode}: ${text}`));
        });
      });
      post.end(body);
    });
  }
}
