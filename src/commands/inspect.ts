import { Args, Flags } from '@oclif/core';
import { BaseCommand, type Input, type Outcome } from '../cli/base-command.ts';
import { atPlace } from '../cli/input-file.ts';
import type { Runtime } from '../cli/runtime.ts';
import { RonError } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import { type InspectResult, inspect } from '../operations/inspect.ts';
import { inspectView } from '../views/inspect.ts';

function errorOf(result: InspectResult): RonError | undefined {
  if (result.verdict === 'something invalid') {
    return new RonError('VerificationFailed', `${result.file}: a ${result.kind} with something invalid in it`, {
      hint: 'Do not act on it; keep the file, and tell the security officer.',
    });
  }
  if (result.verdict === 'key unknown') {
    return new RonError(
      'NoTrustedKey',
      `${result.file}: nothing is invalid, but a signature names a key that is not known here`,
      {
        hint: 'Give the file that names the key: --key genesis.json, a signer bundle, a key object or audit/log.json.',
      },
    );
  }
  return undefined;
}

export default class Inspect extends BaseCommand {
  static override summary = 'explain any file of ronctl from its bytes';
  static override description =
    `Recognises: genesis (draft or full), proposal, draft, request, statement, possession, receipt, signer bundle, proof, evidence, roll-call, dispute, checkpoint, tlog-proof, consistency proof, sealed record (its header), key object, continuity, signature bundle, wrap envelope, audit segment, ledger segment, checkpoint list, capability (see cap inspect); and the clear files of a home.

Prints kind, version, digest, words, members, each signature as valid, invalid or key unknown, and what could not be checked. A key that stands in the file itself proves that its holder signed, not who that is. A file given with --key in which something is invalid is refused (10).

Exit codes: 0 nothing invalid, 10 something invalid, 11 a key is unknown, 3 no file of ronctl, or a broken one. Reads at most 1 MiB; segments are streamed. Needs no home and no passphrase.`;
  static override examples = [
    '<%= config.bin %> inspect change.request.json',
    '<%= config.bin %> inspect proposal.json --key genesis.json',
    '<%= config.bin %> inspect - < record.ronk',
  ];
  static override args = {
    file: Args.string({ name: 'FILE', description: 'the file; - is standard input', required: true }),
  };
  static override flags = {
    key: Flags.string({
      summary: 'file that names public keys: genesis, signer bundle, request, key object, audit/log.json',
      helpValue: 'FILE',
      multiple: true,
      multipleNonGreedy: true,
    }),
  };

  override async perform({ args, flags }: Input<typeof Inspect>, runtime: Runtime): Promise<Outcome> {
    const stdin = args.file === '-' ? await runtime.readInput('-', LIMITS.inspectBytes) : null;
    const path = stdin === null ? runtime.inputPath(args.file) : null;
    const keyFiles = await Promise.all(
      (flags.key ?? []).map(async (name) => ({ name, bytes: await runtime.readInput(name, LIMITS.requestFileBytes) })),
    );
    const source = { name: args.file, path, stdin };
    const result = await inspect({ source, keyFiles }, runtime.deps()).catch((thrown: unknown) => {
      const broken = thrown instanceof RonError && (thrown.code === 'Malformed' || thrown.code === 'InvalidValue');
      throw broken ? atPlace(thrown, undefined, 'Get the file again from its author.') : thrown;
    });
    return { data: result, text: () => inspectView(result), error: errorOf(result) };
  }
}
