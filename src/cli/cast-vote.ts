// The common course of approve, reject, retract and withdraw: show, confirm, sign, write. Ctrl-C at the question or at the
// passphrase leaves nothing behind.

import { Args, Flags, type Interfaces } from '@oclif/core';
import { RonError } from '../errors.ts';
import { fetchRequest } from '../operations/governance/target.ts';
import { isNewThere, type ReviewResult, review, type VotePurpose, vote } from '../operations/governance/vote.ts';
import { proposalView } from '../views/governance/proposal.ts';
import { voteView } from '../views/governance/vote.ts';
import type { Outcome } from './base-command.ts';
import { idOrFile, ingestFlags, unsealFlags } from './flags/governance.ts';
import { expectDigestFlag, forceFlag, onlineFlags, outFlag, roleFlag, signerFlag } from './flags/shared.ts';
import { showReview } from './review.ts';
import type { Runtime } from './runtime.ts';

export const voteArgs = {
  target: Args.string({
    name: 'ID|FILE',
    description: 'full id, or a .request.json file (- is stdin)',
    required: true,
  }),
};

export const voteFlags = {
  role: roleFlag,
  signer: signerFlag,
  comment: Flags.string({ summary: 'text that is signed with the statement', helpValue: 'TEXT' }),
  'expect-digest': expectDigestFlag,
  'unsafe-sign-anyway': Flags.boolean({ summary: 'sign although this signer has voted the other way; it is recorded' }),
  ...ingestFlags,
  out: outFlag,
  force: forceFlag,
  ...onlineFlags,
  ...unsealFlags,
};

/**
 * A request does not say whether its tenant is new; what the server publishes does, to who may read it (kms:audit). What it
 * says is for the approver's eyes: the statement is about the request alone.
 */
async function withTenant(shown: ReviewResult, runtime: Runtime): Promise<ReviewResult> {
  if (shown.new_tenant !== null || runtime.online === null) return shown;
  try {
    return { ...shown, new_tenant: await isNewThere(shown, await runtime.readDeps()) };
  } catch (error) {
    if (!(error instanceof RonError)) throw error;
    if (error.code !== 'Denied')
      runtime.host.log.warn(`what ${runtime.online.name} publishes cannot be read: ${error.message}`);
    return shown;
  }
}

export async function castVote(
  purpose: VotePurpose,
  given: string,
  flags: Interfaces.InferredFlags<typeof voteFlags>,
  runtime: Runtime,
): Promise<Outcome> {
  const deps = runtime.deps(flags);
  const named = await idOrFile(runtime, given);
  // A server's request is treated exactly like a file that somebody sent.
  const target =
    named.kind === 'id' && runtime.online !== null
      ? { kind: 'file' as const, name: named.id, bytes: await fetchRequest(named.id, deps) }
      : named;
  const shown = await withTenant(await review({ target }, deps), runtime);
  if (named.kind === 'id' && shown.id !== named.id) {
    throw new RonError('VerificationFailed', `${deps.online!.name} answered with the request of ${shown.id}`, {
      field: 'ID',
      hint: 'Do not act on it; tell the security officer.',
    });
  }
  await showReview(runtime, proposalView(shown));
  await runtime.confirm({
    act: `${purpose} proposal`,
    id: shown.id,
    digest: shown.digest,
    words: shown.words.join(' '),
    expectDigest: flags['expect-digest'],
  });
  const { result, file, error } = await vote(
    {
      purpose,
      target,
      signer: runtime.preferredSigner(flags.signer) ?? null,
      role: flags.role ?? null,
      comment: flags.comment ?? null,
      digest: shown.digest,
      unsafeSignAnyway: flags['unsafe-sign-anyway'],
      ingest: flags.ingest,
      confirmTime: flags['confirm-time'],
    },
    deps,
  );
  if (flags.out !== undefined)
    await runtime.writeOutput(flags.out, file, { force: flags.force, dryRun: flags['dry-run'] });
  const data = { ...result, proposal: shown };
  const before = runtime.host.terminal.interactive ? [] : proposalView(shown);
  return { data, text: () => [...before, ...voteView(result, flags['dry-run'])], error };
}
