import { BaseCommand, type Input, type Outcome } from '../../cli/base-command.ts';
import { ingestFlags, unsealFlags } from '../../cli/flags/governance.ts';
import { onlineFlags } from '../../cli/flags/shared.ts';
import type { Runtime } from '../../cli/runtime.ts';
import { RonError } from '../../errors.ts';
import { LIMITS } from '../../limits.ts';
import { importFiles } from '../../operations/governance/export.ts';
import { importView } from '../../views/governance/results.ts';

export default class GovernanceImport extends BaseCommand {
  static override summary = 'put signed files into the inbox';
  static override description =
    'Proposals, statements, proofs of possession, and the contents of requests. Signatures are verified under the pinned signer set first; order and repetition do not matter.';
  static override examples = ['<%= config.bin %> governance import bob.statement.json carol.statement.json'];
  static override strict = false;
  static override flags = { ...ingestFlags, ...onlineFlags, ...unsealFlags };

  override async perform(
    input: Input<typeof GovernanceImport> & { readonly argv?: readonly unknown[] },
    runtime: Runtime,
  ): Promise<Outcome> {
    const names = (input.argv ?? []).map(String);
    if (names.length === 0) throw new RonError('Usage', 'name the files to import', { field: 'FILE' });
    const files: { name: string; bytes: Uint8Array }[] = [];
    for (const name of names) files.push({ name, bytes: await runtime.readInput(name, LIMITS.requestFileBytes) });
    const { flags } = input;
    const request = { files, ingest: flags.ingest, confirmTime: flags['confirm-time'] };
    const { result, error } = await importFiles(request, runtime.deps(flags));
    return { data: result, text: () => importView(result), error };
  }
}
