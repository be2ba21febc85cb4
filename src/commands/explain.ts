import { Args } from '@oclif/core';
import { BaseCommand, type Input, type Outcome } from '../cli/base-command.ts';
import { explain } from '../operations/explain.ts';
import { explainView } from '../views/explain.ts';

export default class Explain extends BaseCommand {
  static override summary = 'say what an error code means and what to do next';
  static override description =
    'Without CODE all codes are listed. An exit code in place of CODE lists what can cause it.';
  static override examples = [
    '<%= config.bin %> explain QuorumPending',
    '<%= config.bin %> explain 10',
    '<%= config.bin %> explain --json',
  ];
  static override args = {
    code: Args.string({ name: 'CODE', description: 'error code, or exit code' }),
  };

  override async perform({ args }: Input<typeof Explain>): Promise<Outcome> {
    const data = await explain({ code: args.code });
    return { data, text: () => explainView(data) };
  }
}
