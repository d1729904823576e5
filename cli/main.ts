/** The `meterline` command. Exit code 0 done, 1 it failed, 2 wrong use. */
import { resolve } from 'node:path';
import { Command, CommanderError } from 'commander';
import { describeError, isFault } from '../domain/index.ts';
import { registerApproverCommands } from './commands/approver.ts';
import { registerAuditCommands } from './commands/audit.ts';
import { registerBillCommands } from './commands/bill.ts';
import { registerConfigCommand } from './commands/config.ts';
import { registerDemoCommand } from './commands/demo.ts';
import { registerDlmsCommands } from './commands/dlms.ts';
import { registerExplainCommand } from './commands/explain.ts';
import { registerImportCommand } from './commands/import.ts';
import { registerKeysCommands } from './commands/keys.ts';
import { registerMasterCommands } from './commands/master.ts';
import { registerMigrateCommand } from './commands/migrate.ts';
import { registerMoneyCommands } from './commands/money.ts';
import { registerQuarantineCommands } from './commands/quarantine.ts';
import { registerStartCommand } from './commands/start.ts';
import { registerStatusCommand } from './commands/status.ts';
import { registerTariffCommands } from './commands/tariffs.ts';
import { createContext } from './context.ts';
import { registerStackCommands } from './stack/command.ts';

async function main(argv: readonly string[]): Promise<void> {
  const program = new Command('meterline')
    .description('The open meter-to-cash line')
    .exitOverride()
    .configureHelp({ sortSubcommands: true })
    .showHelpAfterError('(meterline --help lists the commands)');
  const projectDirectory = resolve(process.cwd());
  const context = () => createContext(projectDirectory);
  registerStackCommands(program, {
    env: process.env,
    projectDirectory,
    write: (text) => void process.stdout.write(text),
    writeError: (text) => void process.stderr.write(text),
    errorIsTerminal: process.stderr.isTTY === true,
    setExitCode: (code) => {
      process.exitCode = code;
    },
  });
  registerMigrateCommand(program, context);
  registerStartCommand(program, context);
  registerDemoCommand(program, context);
  registerTariffCommands(program, context);
  registerBillCommands(program, context);
  registerMoneyCommands(program, context);
  registerConfigCommand(program, context);
  registerExplainCommand(program, context);
  registerStatusCommand(program, context);
  registerAuditCommands(program, context);
  registerApproverCommands(program, context);
  registerImportCommand(program, context);
  registerQuarantineCommands(program, context);
  registerKeysCommands(program, context);
  registerMasterCommands(program, context);
  registerDlmsCommands(program, context);
  await program.parseAsync([...argv]);
}

/** Wrong use prints what commander says and ends with 2; a fault prints its code and ends with 1. */
function fail(error: unknown): void {
  if (error instanceof CommanderError) {
    process.exitCode = error.exitCode === 0 ? 0 : 2;
    return;
  }
  const code = isFault(error) ? `${error.code}: ` : '';
  process.stderr.write(`meterline: ${code}${describeError(error)}\n`);
  if (!isFault(error) && error instanceof Error) process.stderr.write(`${error.stack}\n`);
  process.exitCode = 1;
}

await main(process.argv).catch(fail);
