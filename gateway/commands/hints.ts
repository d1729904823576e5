/**
 * Hints through Redis: "this command may be sent". A job carries an id and nothing else, is tried
 * once, and moves nothing by itself: a lost, forged or repeated job changes no outcome.
 */
import { type ConnectionOptions, Queue, Worker } from 'bullmq';
import { type CommandJob, LIMITS, QUEUES } from '../../domain/index.ts';
import type { CommandSender } from './sender.ts';

export interface HintOptions {
  readonly connection: ConnectionOptions;
  /** Default '{meterline}'. */
  readonly prefix?: string;
  readonly onError?: (error: unknown) => void;
}

const PREFIX = '{meterline}';

export interface CommandHinter {
  /** Never throws: the sweep finds what a hint forgot. */
  hint(commandId: string): Promise<void>;
  close(): Promise<void>;
}

export function commandHinter(options: HintOptions): CommandHinter {
  const queue = new Queue<CommandJob>(QUEUES.commands, {
    connection: options.connection,
    prefix: options.prefix ?? PREFIX,
  });
  queue.on('error', (error) => options.onError?.(error));
  return {
    async hint(commandId) {
      try {
        await queue.add(
          'command',
          { commandId },
          { attempts: 1, removeOnComplete: true, removeOnFail: LIMITS.queueKeepDone },
        );
      } catch (error) {
        options.onError?.(error);
      }
    },
    close: () => queue.close(),
  };
}

export interface HintListener {
  close(): Promise<void>;
}

export function listenForHints(sender: CommandSender, options: HintOptions): HintListener {
  const worker = new Worker<CommandJob>(
    QUEUES.commands,
    async (job) => {
      // Whatever the job holds; only the row that it names can say what to do.
      await sender.hint((job.data as Partial<CommandJob> | null)?.commandId);
    },
    {
      connection: options.connection,
      prefix: options.prefix ?? PREFIX,
      concurrency: LIMITS.commandConcurrency,
      maxStalledCount: LIMITS.queueStalledMax,
      removeOnComplete: { count: 0 },
      removeOnFail: { count: LIMITS.queueKeepDone },
    },
  );
  worker.on('error', (error) => options.onError?.(error));
  return { close: () => worker.close() };
}
