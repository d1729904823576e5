/**
 * A gateway of its own, to be killed: embedded broker, attempt file and sender on the real clock.
 * Arguments: database URL, folder, serial to wait for. Prints its port, then runs until killed.
 */
import { createPublicKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { systemClock } from '../../cli/clock.ts';
import { databaseDirectory } from '../../db/meter-directory.ts';
import { openDatabase } from '../../db/pool.ts';
import { cryptoRandom } from '../../domain/index.ts';
import { EmbeddedBroker } from '../../gateway/broker/embedded.ts';
import { openAttemptFile } from '../../gateway/commands/attempts.ts';
import { CommandSender } from '../../gateway/commands/sender.ts';
import { databaseCommandStore } from '../../gateway/commands/store.ts';
import { attachMqttDriver } from '../../gateway/drivers/mqtt/driver.ts';

const [url, directory, serial] = process.argv.slice(2) as [string, string, string];
const db = openDatabase({ url, applicationName: 'doomed-gateway' });
const clock = systemClock;
const broker = new EmbeddedBroker({
  host: '127.0.0.1',
  port: 0,
  clock,
  directory: databaseDirectory({ db, clock }),
});
const key = createPublicKey(readFileSync(join(directory, 'approver.pem')));
const sender = new CommandSender({
  store: databaseCommandStore({
    db,
    clock,
    instance: 'doomed',
    approverKeys: new Map([['key-anna', { key, owner: 'anna' }]]),
    window: { fromHour: 0, toHour: 24, weekdays: [1, 2, 3, 4, 5, 6, 7], holidays: [] },
  }),
  link: broker,
  clock,
  random: cryptoRandom,
  attempts: await openAttemptFile(join(directory, 'attempts')),
});
attachMqttDriver({
  link: broker,
  journal: { append: async () => {} },
  onReply: (from, reply) => sender.onReply(from, reply),
});
await broker.start();
process.stdout.write(`port ${broker.port}\n`);
while (!broker.isOnline(serial)) await clock.sleep(5);
await clock.sleep(50); // the subscription follows the connection
await sender.start();
