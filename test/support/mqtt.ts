/** Meters, brokers and sockets for the MQTT suites: all real, on loopback. */
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect as connectTcp, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, type IClientOptions, type MqttClient } from 'mqtt';
import { systemClock } from '../../cli/clock.ts';
import type { MeterDirectory } from '../../domain/index.ts';

/** The secret of a test meter follows from its serial. */
export const secretOf = (serial: string) => `secret-of-${serial}`;

export const directory: Pick<MeterDirectory, 'authenticate'> = {
  authenticate: async (serial, secret) => Buffer.from(secret).toString() === secretOf(serial),
};

export interface MeterOptions extends Partial<IClientOptions> {
  readonly port: number;
}

/** A connected meter; rejects when the broker does not let it in. */
export async function connectMeter(serial: string, options: MeterOptions): Promise<MqttClient> {
  const client = connect(`mqtt://127.0.0.1:${options.port}`, {
    clientId: serial,
    username: serial,
    password: secretOf(serial),
    reconnectPeriod: 0,
    connectTimeout: 5_000,
    ...options,
  });
  await new Promise<void>((resolve, reject) => {
    client.once('connect', () => resolve());
    client.once('error', reject);
    client.once('close', () => reject(new Error('closed before CONNACK')));
  });
  client.on('error', () => undefined);
  return client;
}

/** Resolves to true when the connection ends within the time. */
export async function closes(client: MqttClient, withinMs = 2_000): Promise<boolean> {
  if (!client.connected) return true;
  const closed = new Promise<boolean>((resolve) => client.once('close', () => resolve(true)));
  return Promise.race([closed, systemClock.sleep(withinMs).then(() => false)]);
}

export function rawSocket(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connectTcp({ port, host: '127.0.0.1' }, () => resolve(socket));
    socket.once('error', reject);
    socket.on('error', () => undefined);
  });
}

/** Resolves to true when the other side ends the connection within the time. */
export async function isCut(socket: Socket, withinMs: number): Promise<boolean> {
  if (socket.destroyed) return true;
  const closed = new Promise<boolean>((resolve) => socket.once('close', () => resolve(true)));
  socket.resume();
  return Promise.race([closed, systemClock.sleep(withinMs).then(() => false)]);
}

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

export interface Mosquitto {
  readonly port: number;
  stop(): Promise<void>;
}

function mosquittoBinary(name: 'mosquitto' | 'mosquitto_passwd'): string {
  const folders = [...(process.env['PATH'] ?? '').split(':'), '/usr/sbin', '/usr/local/sbin'];
  const found = folders.map((folder) => join(folder, name)).find((path) => existsSync(path));
  if (found !== undefined) return found;
  throw new Error(`${name} is missing; install Debian's package: apt-get install mosquitto`);
}

/** The access rules gateway/broker/README.md recommends for an external Mosquitto. */
export const MOSQUITTO_ACL = `user gateway
topic read v1/+/up/+
topic write v1/+/down/+

pattern write v1/%u/up/+
pattern read v1/%u/down/+
`;

/** A Mosquitto with passwords and the recommended ACL. Fails when the binary is missing. */
export async function startMosquitto(serials: readonly string[]): Promise<Mosquitto> {
  const binary = mosquittoBinary('mosquitto');
  const folder = mkdtempSync(join(tmpdir(), 'mosquitto-'));
  const port = await freePort();
  const path = (name: string) => join(folder, name);
  const users = ['gateway', ...serials].map((user) => `${user}:${secretOf(user)}\n`);
  writeFileSync(path('passwords'), users.join(''), { mode: 0o600 });
  execFileSync(mosquittoBinary('mosquitto_passwd'), ['-U', path('passwords')]);
  writeFileSync(path('acl'), MOSQUITTO_ACL, { mode: 0o600 });
  const lines = [
    `listener ${port} 127.0.0.1`,
    'allow_anonymous false',
    `password_file ${path('passwords')}`,
    `acl_file ${path('acl')}`,
    'persistence false',
    'max_inflight_messages 200',
    ...(process.getuid?.() === 0 ? ['user root'] : []),
  ];
  writeFileSync(path('conf'), `${lines.join('\n')}\n`);
  const child = spawn(binary, ['-c', path('conf')], { stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => {
    said = (said + chunk.toString()).slice(-4_000);
  });
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  await untilListening(
    port,
    () => child.exitCode !== null,
    () => said,
  );
  return {
    port,
    stop: async () => {
      child.kill('SIGTERM');
      await exited;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function untilListening(port: number, ended: () => boolean, said: () => string) {
  for (let attempt = 0; attempt < 100; attempt += 1) {
    if (ended()) break;
    const socket = await rawSocket(port).catch(() => undefined);
    socket?.destroy();
    if (socket !== undefined) return;
    await systemClock.sleep(50);
  }
  throw new Error(`mosquitto does not listen: ${said()}`);
}
