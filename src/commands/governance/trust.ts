import { Args } from '@oclif/core';
import { BaseCommand, type Input, type Outcome } from '../../cli/base-command.ts';
import { confirmGenesis } from '../../cli/confirm-genesis.ts';
import { dryRunFlag, expectDigestFlag } from '../../cli/flags/shared.ts';
import type { Runtime } from '../../cli/runtime.ts';
import { LIMITS } from '../../limits.ts';
import { trust } from '../../operations/governance/trust.ts';
import { trustView } from '../../views/governance/genesis.ts';

export default class GovernanceTrust extends BaseCommand {
  static override summary = 'pin a genesis in this home';
  static override description =
    `The pin is the one thing that a home believes about a ledger: every approval and verification here starts from it. Compare the 12 words with a member by voice first. Another genesis under a pinned id is refused with exit 10. Needs no init.`;
  static override examples = ['<%= config.bin %> governance trust genesis.json --expect-digest sha256:...'];
  static override args = {
    genesis: Args.string({ name: 'GENESIS', description: 'signed genesis file', required: true }),
  };
  static override flags = { 'expect-digest': expectDigestFlag, 'dry-run': dryRunFlag };

  override async perform({ args, flags }: Input<typeof GovernanceTrust>, runtime: Runtime): Promise<Outcome> {
    const deps = runtime.deps(flags);
    const bytes = await runtime.readInput(args.genesis, LIMITS.signedFileBytes);
    const digest = await confirmGenesis(runtime, {
      bytes,
      what: args.genesis,
      act: 'trust genesis',
      expectDigest: flags['expect-digest'],
      deps,
    });
    const data = await trust({ bytes, what: args.genesis, digest }, deps);
    return { data, text: () => trustView(data) };
  }
}
