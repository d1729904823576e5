/** Keys of people who approve breaker commands, and their approvals. */
import { createPrivateKey, generateKeyPairSync } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import type { Command } from 'commander';
import { type ApprovalPayload, Fault, signApproval } from '../../domain/index.ts';
import { readApproverEntries } from '../approver-keys.ts';
import type { Context } from '../context.ts';

interface ApproveFlags {
  readonly url: string;
  readonly key: string;
  readonly keyId: string;
  readonly yes?: boolean;
}

export function registerApproverCommands(program: Command, context: () => Context): void {
  const approver = program.command('approver').description('who may approve breaker commands');
  approver
    .command('create <owner>')
    .description('a signing key for a person; the name is that of the person’s API key')
    .requiredOption('--id <id>', 'name of the key, e.g. anna-2026')
    .requiredOption('--key <file>', 'where the private half goes; keep it with the person')
    .requiredOption('--trust <file>', 'the gateway’s file of public keys (METERLINE_APPROVAL_KEYS)')
    .action(async (owner: string, flags: { id: string; key: string; trust: string }) => {
      const { privateKey, publicKey } = generateKeyPairSync('ed25519');
      const entries = await readApproverEntries(flags.trust);
      if (entries.some((e) => e.id === flags.id)) {
        throw new Fault('BAD_REQUEST', { detail: `${flags.trust} has a key ${flags.id} already` });
      }
      const pem = publicKey.export({ type: 'spki', format: 'pem' }).toString();
      const secret = privateKey.export({ type: 'pkcs8', format: 'pem' });
      await writeFile(flags.key, secret, { mode: 0o600, flag: 'wx' });
      const all = [...entries, { id: flags.id, owner, publicKey: pem }];
      await writeFile(flags.trust, `${JSON.stringify(all, null, 2)}\n`);
      context().out(
        `${flags.id} of ${owner}: private half in ${flags.key}, trusted in ${flags.trust}`,
      );
    });
  approver
    .command('sign <command>')
    .description('shows what a command would do and, with --yes, signs and hands in the approval')
    .requiredOption('--url <url>', 'the API, e.g. http://127.0.0.1:8080')
    .requiredOption('--key <file>', 'the private half')
    .requiredOption('--key-id <id>', 'its name')
    .option('--yes', 'sign it')
    .action((id: string, flags: ApproveFlags) => approve(context(), id, flags));
}

interface CommandAnswer {
  readonly state: string;
  readonly approvalPayload: ApprovalPayload;
  readonly decision: unknown;
  readonly detail?: string;
}

/** The API key comes from the environment: an argument would stand in the process list. */
async function approve(ctx: Context, id: string, flags: ApproveFlags): Promise<void> {
  const path = `${flags.url}/v1/commands/${encodeURIComponent(id)}`;
  const command = await call(ctx, 'GET', path);
  ctx.out(JSON.stringify({ ...command.approvalPayload, decision: command.decision }, null, 2));
  if (flags.yes !== true) return ctx.out('nothing signed; add --yes to approve exactly this');
  const key = createPrivateKey(await readFile(flags.key));
  const approval = signApproval(command.approvalPayload, flags.keyId, key);
  const answer = await call(ctx, 'POST', `${path}/approval`, approval);
  ctx.out(`approved; the command is ${answer.state}`);
}

async function call(
  ctx: Context,
  method: string,
  url: string,
  body?: unknown,
): Promise<CommandAnswer> {
  if (ctx.config.apiToken === undefined) {
    throw new Fault('BAD_REQUEST', { detail: 'METERLINE_API_TOKEN holds your API key' });
  }
  const response = await fetch(url, {
    method,
    headers: {
      authorization: `Bearer ${ctx.config.apiToken}`,
      ...(body !== undefined && { 'content-type': 'application/json' }),
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  const answer = (await response.json()) as CommandAnswer;
  if (response.ok) return answer;
  throw new Fault('BAD_REQUEST', {
    detail: answer.detail ?? `${method} answered ${response.status}`,
  });
}
