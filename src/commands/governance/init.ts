import { Flags } from '@oclif/core';
import { BaseCommand, type Input, type Outcome } from '../../cli/base-command.ts';
import { unsealFlags } from '../../cli/flags/governance.ts';
import { confirmTimeFlag, expectDigestFlag, forceFlag, outFlag, signerFlag } from '../../cli/flags/shared.ts';
import { genesisOutcome } from '../../cli/genesis-input.ts';
import type { Runtime } from '../../cli/runtime.ts';
import { genesisView } from '../../views/governance/genesis.ts';

export default class GovernanceInit extends BaseCommand {
  static override summary = 'make, sign and adopt the genesis of a ledger';
  static override description =
    `Drafts a genesis on the custody machine: members with their roles, threshold, policy and the keys of service and log. When every signer is in this home and --out is absent, it is signed, adopted and pinned at once. Else --out writes the draft, each member signs it with --sign on a machine of his own, and --adopt takes the signed files.

Adoption ends the ungoverned state for ever. Three members without ROLE are policy-owner, security-officer and custodian.`;
  static override examples = [
    '<%= config.bin %> governance init --members policy-owner=alice,security-officer=bob,custodian=carol --threshold 2',
    '<%= config.bin %> governance init --members alice.signer.json,bob.signer.json,carol.signer.json --threshold 2 --out genesis.json',
    '<%= config.bin %> governance init --sign genesis.json --signer alice --out alice.genesis.json',
    '<%= config.bin %> governance init --adopt alice.genesis.json bob.genesis.json carol.genesis.json',
  ];
  static override strict = false;
  static override flags = {
    members: Flags.string({
      summary: 'members: signers of this home, or bundle files',
      helpValue: '[ROLE=]ID|FILE,...',
    }),
    threshold: Flags.integer({ summary: 'how many members must approve', min: 1, max: 8 }),
    name: Flags.string({ summary: 'name of the ledger [default: main]', helpValue: 'NAME' }),
    auditor: Flags.string({ summary: 'external auditor, for tie-breaks only', helpValue: 'ID|FILE' }),
    set: Flags.string({
      summary: 'start policy that differs from the profile',
      helpValue: 'KEY=VALUE',
      multiple: true,
      multipleNonGreedy: true,
    }),
    supersedes: Flags.string({ summary: 'pinned ledger that this one replaces', helpValue: 'LEDGER' }),
    sign: Flags.string({ summary: 'draft to sign', helpValue: 'FILE', exclusive: ['members', 'adopt'] }),
    adopt: Flags.boolean({ summary: 'adopt the signed files that follow', exclusive: ['members', 'sign'] }),
    'confirm-time': confirmTimeFlag,
    signer: signerFlag,
    'expect-digest': expectDigestFlag,
    out: outFlag,
    force: forceFlag,
    ...unsealFlags,
  };

  override async perform(
    input: Input<typeof GovernanceInit> & { readonly argv?: readonly unknown[] },
    runtime: Runtime,
  ): Promise<Outcome> {
    const { flags, argv = [] } = input;
    const outcome = await genesisOutcome(flags, argv.map(String), runtime);
    if (flags.out !== undefined) {
      await runtime.writeOutput(flags.out, outcome.file, { force: flags.force, dryRun: flags['dry-run'] });
    }
    return { data: outcome.result, text: () => genesisView(outcome.result, flags.out ?? null) };
  }
}
