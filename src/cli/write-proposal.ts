// The common end of the commands that write a proposal: sign it, ingest it when that is wanted, write the copy or the draft,
// show it.

import { type ProposeRequest, propose } from '../operations/governance/propose.ts';
import { proposeView } from '../views/governance/propose.ts';
import type { Outcome } from './base-command.ts';
import type { DepsFlags, Runtime } from './runtime.ts';

interface WriteFlags extends DepsFlags {
  readonly out: string | undefined;
  readonly force: boolean;
  readonly 'dry-run': boolean;
}

/** `draftName`: where a draft goes when no --out says. */
export async function writeProposal(
  request: ProposeRequest,
  draftName: string,
  flags: WriteFlags,
  runtime: Runtime,
): Promise<Outcome> {
  const { result, bytes, error } = await propose(request, await runtime.signDeps(flags));
  const out = flags.out ?? (result.status === 'draft' ? draftName : undefined);
  if (out !== undefined) await runtime.writeOutput(out, bytes, { force: flags.force, dryRun: flags['dry-run'] });
  const data = { ...result, out: out ?? null };
  return { data, text: () => proposeView(result, out ?? null, flags['dry-run']), error };
}
