import { Flags } from '@oclif/core';
import { BaseCommand, type Input, type Outcome } from '../../../cli/base-command.ts';
import { ingestFlags, unsealFlags } from '../../../cli/flags/governance.ts';
import { forceFlag, onlineFlags, outFlag, roleFlag, signerFlag } from '../../../cli/flags/shared.ts';
import { memberSources, removalReasons } from '../../../cli/member-sources.ts';
import { proposeAction } from '../../../cli/propose-input.ts';
import type { Runtime } from '../../../cli/runtime.ts';
import { writeProposal } from '../../../cli/write-proposal.ts';
import { signerChangeAction } from '../../../operations/governance/signers.ts';

export default class GovernanceSignersChange extends BaseCommand {
  static override summary = 'propose another signer set';
  static override description =
    'Names the whole new set; a present member may be named by id alone and keeps keys and role. The old quorum approves, and each new key proves possession: `governance approve FILE --signer ID` by the new signer. Every open proposal becomes stale when it is executed.';
  static override examples = [
    "<%= config.bin %> governance signers change --members alice,bob,custodian=dave.signer.json --reason carol=left --rationale 'carol has left'",
  ];
  static override flags = {
    members: Flags.string({ summary: 'the whole new set', helpValue: '[ROLE=]ID|FILE,...', required: true }),
    threshold: Flags.integer({ summary: 'new threshold [default: unchanged]', min: 1, max: 8 }),
    auditor: Flags.string({ summary: 'new auditor, or none [default: unchanged]', helpValue: 'ID|FILE|none' }),
    reason: Flags.string({
      summary: 'why a member goes: left, lost, compromised, rotated',
      helpValue: 'ID=REASON',
      multiple: true,
      multipleNonGreedy: true,
    }),
    rationale: Flags.string({ summary: 'why; shown to every approver', helpValue: 'TEXT', required: true }),
    expires: Flags.string({ summary: 'when it expires, at most 7 days [default: 24h]', helpValue: 'DURATION|TIME' }),
    signer: signerFlag,
    role: roleFlag,
    ...ingestFlags,
    out: outFlag,
    force: forceFlag,
    ...onlineFlags,
    ...unsealFlags,
  };

  override async perform({ flags }: Input<typeof GovernanceSignersChange>, runtime: Runtime): Promise<Outcome> {
    const deps = await runtime.readDeps(flags);
    const auditor =
      flags.auditor === undefined
        ? null
        : flags.auditor === 'none'
          ? 'none'
          : (await memberSources(runtime, flags.auditor))[0]!;
    const members = await memberSources(runtime, flags.members);
    const reasons = removalReasons(flags.reason ?? []);
    const action = await signerChangeAction({ members, threshold: flags.threshold ?? null, auditor, reasons }, deps);
    return writeProposal(proposeAction(runtime, action, flags), 'global.draft.json', flags, runtime);
  }
}
