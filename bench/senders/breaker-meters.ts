/** Simulated meters with breakers, on real MQTT. */
import { systemClock } from '../../cli/clock.ts';
import { memoryLog } from '../../simulators/meter-log.ts';
import { MqttMeter } from '../../simulators/mqtt-meter/meter.ts';
import { SECRET } from '../load.ts';
import type { BreakersOrder } from './protocol.ts';

export class BreakerMeters {
  readonly #meters: MqttMeter[] = [];

  async connect({ url, serials }: BreakersOrder): Promise<void> {
    for (const serial of serials) {
      const meter = new MqttMeter({
        serial,
        secret: SECRET,
        url,
        clock: systemClock,
        log: memoryLog(),
        seed: serial,
      });
      await meter.connect();
      this.#meters.push(meter);
    }
  }
}
