import { Flags } from '@oclif/core';
import { BaseCommand, type Input, type Outcome } from '../../cli/base-command.ts';
import { confirmGenesis } from '../../cli/confirm-genesis.ts';
import { unsealFlags } from '../../cli/flags/governance.ts';
import { confirmTimeFlag, expectDigestFlag, forceFlag, outFlag, signerFlag } from '../../cli/flags/shared.ts';
import { memberSources } from '../../cli/member-sources.ts';
import type { Runtime } from '../../cli/runtime.ts';
import { RonError } from '../../errors.ts';
import { LIMITS } from '../../limits.ts';
import { adoptGenesis } from '../../operations/governance/genesis-adopt.ts';
import type { GenesisOutcome } from '../../operations/governance/genesis-result.ts';
import { signGenesisDraft } from '../../operations/governance/genesis-sign.ts';
import { draftGenesis } from '../../operations/governance/init.ts';
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
    const { flags } = input;
    const outcome = await this.#run(input, runtime);
    if (flags.out !== undefined) {
      await runtime.writeOutput(flags.out, outcome.file, { force: flags.force, dryRun: flags['dry-run'] });
    }
    return { data: outcome.result, text: () => genesisView(outcome.result, flags.out ?? null) };
  }

  async #run(
    { flags, argv = [] }: Input<typeof GovernanceInit> & { readonly argv?: readonly unknown[] },
    runtime: Runtime,
  ): Promise<GenesisOutcome> {
    const deps = runtime.deps(flags);
    const files = argv.map(String);
    if (flags.adopt) {
      if (files.length === 0) throw new RonError('Usage', '--adopt needs the signed files', { field: '--adopt' });
      const read = await Promise.all(
        files.map(async (name) => ({ name, bytes: await runtime.readInput(name, LIMITS.signedFileBytes) })),
      );
      return adoptGenesis({ files: read, confirmTime: flags['confirm-time'] }, deps);
    }
    if (files.length > 0) throw new RonError('Usage', `${files[0]}: files follow --adopt only`, { field: '--adopt' });
    if (flags.sign !== undefined) {
      const signer = runtime.preferredSigner(flags.signer);
      if (signer === undefined) throw new RonError('Usage', '--sign needs --signer ID', { field: '--signer' });
      if (flags.out === undefined) throw new RonError('Usage', '--sign needs --out FILE', { field: '--out' });
      const bytes = await runtime.readInput(flags.sign, LIMITS.signedFileBytes);
      const digest = await confirmGenesis(runtime, {
        bytes,
        what: flags.sign,
        act: 'sign genesis',
        expectDigest: flags['expect-digest'],
        deps,
      });
      return signGenesisDraft({ bytes, what: flags.sign, signer, digest }, deps);
    }
    if (flags.members === undefined || flags.threshold === undefined) {
      throw new RonError('Usage', 'a new genesis needs --members and --threshold', {
        field: flags.members === undefined ? '--members' : '--threshold',
      });
    }
    return draftGenesis(
      {
        members: await memberSources(runtime, flags.members),
        threshold: flags.threshold,
        name: flags.name ?? 'main',
        auditor: flags.auditor === undefined ? null : ((await memberSources(runtime, flags.auditor))[0] ?? null),
        set: flags.set ?? [],
        supersedes: flags.supersedes ?? null,
        draftOnly: flags.out !== undefined,
        confirmTime: flags['confirm-time'],
      },
      deps,
    );
  }
}
