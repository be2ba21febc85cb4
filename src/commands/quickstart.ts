import { Flags } from '@oclif/core';
import { BaseCommand, type Input, type Outcome } from '../cli/base-command.ts';
import { playQuickstart } from '../cli/quickstart.ts';
import type { Runtime } from '../cli/runtime.ts';

export default class Quickstart extends BaseCommand {
  static override summary = 'play the whole story in a throw-away home, showing each command';
  static override description =
    'Three people, a custody store, a quorum decision, a signature, and what the verifier says about two forgeries. Every command is really run by this ronctl; nothing is scripted but the order. Your own home is not touched.';
  static override examples = ['<%= config.bin %> quickstart', '<%= config.bin %> quickstart --keep ronctl-trial'];
  static override flags = {
    keep: Flags.string({
      summary: 'keep home and passphrases in this directory, which must not exist',
      helpValue: 'DIR',
    }),
  };

  override async perform({ flags }: Input<typeof Quickstart>, runtime: Runtime): Promise<Outcome> {
    const { data, text, error } = await playQuickstart(runtime, flags.keep, !runtime.structured);
    return { data, text: () => (error === undefined ? text : []), error };
  }
}
