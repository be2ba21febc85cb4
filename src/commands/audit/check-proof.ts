import { Args, Flags } from '@oclif/core';
import { BaseCommand, type Input, type Outcome } from '../../cli/base-command.ts';
import { policyFlag } from '../../cli/flags/shared.ts';
import { policySource } from '../../cli/policy-file.ts';
import type { Runtime } from '../../cli/runtime.ts';
import { LIMITS } from '../../limits.ts';
import { auditCheckProof } from '../../operations/audit/check-proof.ts';
import { auditCheckProofView } from '../../views/audit/check-proof.ts';

export default class AuditCheckProof extends BaseCommand {
  static override summary = 'judge a tlog-proof or consistency proof from its bytes';
  static override description =
    `Hashes the record in the file again, follows its path to the root of the checkpoint, and demands both log signatures (Ed25519 and ML-DSA-44) under the keys that this home trusts: those of the pinned genesis, or of its own log. Prints the record and what was proved. Needs no log, no passphrase and no network.

A consistency proof (ronctl audit prove --consistency) is judged against the older checkpoint given with --old, else the one that this home remembers.

Exit codes: 0 proved, 10 a wrong signature, path or record, or a fork, 11 no trusted key, nothing to compare with or a witness policy that is not met, 3 not a proof.`;
  static override examples = [
    '<%= config.bin %> audit check-proof 41.tlog-proof',
    '<%= config.bin %> audit check-proof 41.tlog-proof --policy witnesses.policy',
    '<%= config.bin %> audit check-proof since-100.proof --old 100.checkpoint',
  ];
  static override args = {
    file: Args.string({ name: 'FILE', description: 'proof; - is standard input', required: true }),
  };
  static override flags = {
    old: Flags.string({ summary: 'older checkpoint of a consistency proof', helpValue: 'FILE' }),
    policy: policyFlag,
  };

  override async perform({ args, flags }: Input<typeof AuditCheckProof>, runtime: Runtime): Promise<Outcome> {
    const proof = await runtime.readInput(args.file, LIMITS.signedFileBytes);
    const old =
      flags.old === undefined
        ? null
        : { name: flags.old, note: await runtime.readInput(flags.old, LIMITS.signedFileBytes) };
    const policy = await policySource(runtime, flags.policy);
    const data = await auditCheckProof({ proof, name: args.file, old, policy }, runtime.deps());
    return { data, text: () => auditCheckProofView(data) };
  }
}
