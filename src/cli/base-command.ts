// The base of every command: parses argv, builds the runtime, performs, prints the envelope or the text, sets the exit
// code. A command defines summary, description, examples, flags, args and `perform`, and nothing else.

import { Command, type Interfaces } from '@oclif/core';
import type { RonError } from '../errors.ts';
import { chooseTarget, targetName } from '../kms-client/target.ts';
import type { OnlineService, OperationDeps } from '../operations/deps.ts';
import { progressLine } from '../ui/progress.ts';
import type { TextModel } from '../ui/text-model.ts';
import { GLOBAL_FLAGS } from './flags/global.ts';
import { homePath, type LoadedConfig, loadClientConfig } from './home.ts';
import { schemaName, toRonError } from './json-error.ts';
import { launchOf } from './launch.ts';
import { formatOfArgv, formatOfVariable } from './output-format.ts';
import { placed, placesOf } from './place.ts';
import { type Reporter, reporter } from './report.ts';
import { buildRuntime, type Runtime } from './runtime.ts';
import { openTranscript, type Transcript } from './transcript.ts';
import { guarded, isParserError, usageError } from './usage-error.ts';

/** What a command returns. With `error` the verdict is negative: both are printed and the error decides the exit code. */
export interface Outcome {
  /** Plain JSON, as the schema file of the operation says. */
  readonly data: unknown;
  readonly text: () => TextModel;
  readonly error?: RonError | undefined;
  /** Everything was printed by `runtime.emit` already. */
  readonly streamed?: boolean;
}

/** Arguments and flags of a command class: `perform(input: Input<typeof List>, runtime)`. */
export interface Input<C extends { args: object; flags: object }> {
  readonly args: Interfaces.InferredArgs<C['args']>;
  readonly flags: Interfaces.InferredFlags<C['flags'] & typeof GLOBAL_FLAGS>;
}

interface AnyInput {
  readonly args: Readonly<Record<string, unknown>>;
  readonly flags: Readonly<Record<string, unknown>>;
}

const textFlag = (input: AnyInput, name: string): string | undefined => {
  const value = input.flags[name];
  return typeof value === 'string' ? value : undefined;
};

interface ChosenServer {
  /** Null: the request is only explained. */
  readonly name: string | null;
  readonly make: (deps: () => OperationDeps) => OnlineService;
}

export abstract class BaseCommand extends Command {
  static override enableJsonFlag = false;
  static override baseFlags = GLOBAL_FLAGS;
  static override flags = {};
  static override args = {};

  abstract perform(input: AnyInput, runtime: Runtime): Promise<Outcome>;

  override async run(): Promise<void> {
    const { host } = launchOf(this.config);
    let report: Reporter = reporter(host, { format: formatOfArgv(this.argv) ?? 'table', noColor: false });
    let transcript: Transcript | undefined;
    let outcome: Outcome | undefined;
    let error: RonError | undefined;
    let typed: AnyInput | undefined;
    let home: string | undefined;
    const schema = schemaName(this.id ?? 'ronctl');
    try {
      report = reporter(host, { format: this.#format(), noColor: this.argv.includes('--no-color') });
      const input = await this.#input();
      typed = input;
      // `kms serve --config` names the configuration of the server.
      const ownConfig = Object.hasOwn(this.ctor.flags, 'config') && this.ctor.flags['config'] !== GLOBAL_FLAGS.config;
      const loaded = await loadClientConfig(host, ownConfig ? undefined : textFlag(input, 'config'));
      const format =
        this.#format() === 'table' && !this.#asked() ? (loaded.config.output.format ?? 'table') : this.#format();
      report = reporter(host, { format, noColor: input.flags['no-color'] === true, config: loaded.config });
      launchOf(this.config).onSignal = (stopped) => report.result(schema, undefined, undefined, stopped);
      const file = textFlag(input, 'transcript');
      if (file !== undefined) transcript = openTranscript(host, file, launchOf(this.config).argv);
      home = homePath(host, loaded);
      const online = await this.#online(input, home, loaded);
      if (online !== undefined && online.name !== null) {
        report = reporter(host, {
          format,
          noColor: input.flags['no-color'] === true,
          config: loaded.config,
          mode: 'online',
        });
        if (format === 'table') host.log.notice(`online: ${online.name}`);
      }
      const progress = progressLine(host.terminal, host.clock);
      const runtime = buildRuntime({
        host,
        home,
        config: loaded.config,
        configFile: loaded.file,
        development: launchOf(this.config).development,
        packageRoot: this.config.root,
        structured: format !== 'table',
        placesOf: placesOf(this.ctor, input),
        onProgress: progress.report,
        emit: (data, text) => report.result(schema, data, text, undefined),
        ...(online === undefined ? {} : { online: online.make }),
      });
      try {
        // Before anything is signed or appended: a result that cannot be written must not be made.
        const out = textFlag(input, 'out');
        if (out !== undefined && 'force' in this.ctor.flags) {
          await runtime.writeOutput(out, new Uint8Array(0), { force: input.flags['force'] === true, dryRun: true });
        }
        outcome = await this.perform(input, runtime);
        const told = typeof outcome.data === 'object' && outcome.data !== null && 'dry_run' in outcome.data;
        if (input.flags['dry-run'] === true && outcome.error === undefined && format === 'table' && !told) {
          host.log.notice('dry run: every check passed, nothing was written');
        }
      } finally {
        progress.finish();
      }
      error = outcome.error === undefined ? undefined : this.#placed(outcome.error, input);
      const silent = outcome.streamed === true || runtime.stdoutTaken;
      if (silent && error !== undefined) await report.result(schema, undefined, undefined, error);
      else if (!silent) await report.result(schema, outcome.data, outcome.text, error);
    } catch (thrown) {
      if (thrown instanceof Error && thrown.name === 'Explained') {
        const { explained } = await import('./explain.ts');
        const { data, text } = explained(thrown);
        await report.result(schemaName('request'), data, text, undefined);
        transcript?.add(0, schemaName('request'), data);
        process.exitCode = 0;
        return;
      }
      error = this.#placed(toRonError(thrown), typed, home);
      if (error.code === 'Internal' && thrown instanceof Error) host.terminal.writeStderr(`${thrown.stack}\n`);
      await report.result(schema, error.data, undefined, error);
    }
    const exit = error?.exit ?? 0;
    transcript?.add(exit, schema, outcome?.data ?? error?.data);
    process.exitCode = exit;
  }

  /** Makes the server that was chosen, of a command that knows servers; undefined offline, which loads nothing for it. */
  async #online(input: AnyInput, home: string, { config, file }: LoadedConfig): Promise<ChosenServer | undefined> {
    if (!('kms' in this.ctor.flags)) return undefined;
    if (input.flags['explain'] === true) {
      const { explaining } = await import('./explain.ts');
      return { name: null, make: explaining };
    }
    const { host } = launchOf(this.config);
    const target = chooseTarget([
      ['--kms', textFlag(input, 'kms')],
      ['RONCTL_KMS', host.env.get('RONCTL_KMS')],
      ['kms.url', config.kms.url],
    ]);
    if (target.kind === 'none') return undefined;
    const { onlineService } = await import('./online.ts');
    const flags = {
      tokenFile: textFlag(input, 'token-file'),
      unsafePlainLoopback: input.flags['unsafe-plain-loopback'] === true,
    };
    const make = (deps: () => OperationDeps): OnlineService =>
      onlineService(target, { host, home, config, configFile: file, flags, deps });
    return { name: targetName(target), make };
  }

  get #line(): string {
    return `ronctl ${(this.id ?? '').replaceAll(':', ' ')}`;
  }

  #placed(error: RonError, input?: AnyInput, home?: string): RonError {
    return placed(error, this.#line, this.ctor, { ...input, home });
  }

  #asked(): boolean {
    return (
      (formatOfArgv(this.argv) ?? formatOfVariable(launchOf(this.config).host.env.get('RONCTL_OUTPUT'))) !== undefined
    );
  }

  #format(): 'table' | 'json' | 'yaml' {
    return formatOfArgv(this.argv) ?? formatOfVariable(launchOf(this.config).host.env.get('RONCTL_OUTPUT')) ?? 'table';
  }

  async #input(): Promise<AnyInput> {
    const { args, flags, strict } = this.ctor;
    let refused: RonError | undefined;
    const note = (error: RonError): void => {
      refused ??= error;
    };
    try {
      return await this.parse({
        args: guarded(args, note),
        flags: guarded(flags, note),
        baseFlags: guarded(GLOBAL_FLAGS, note),
        strict,
        enableJsonFlag: false,
      });
    } catch (thrown) {
      if (refused !== undefined) throw refused;
      if (!isParserError(thrown)) throw thrown;
      throw usageError(thrown, this.#line, { ...flags, ...GLOBAL_FLAGS }, args, this.argv);
    }
  }
}
