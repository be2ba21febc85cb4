import { Args } from '@oclif/core';
import { BaseCommand, type Input, type Outcome } from '../cli/base-command.ts';
import { commandList } from '../cli/command-list.ts';
import { completion, SHELLS } from '../operations/completion.ts';
import { completionView } from '../views/completion.ts';

export default class Completion extends BaseCommand {
  static override summary = 'print a completion script for a shell';
  static override description = 'The script is static: nothing is run when Tab is pressed.';
  static override examples = [
    '<%= config.bin %> completion bash > ~/.local/share/bash-completion/completions/ronctl',
    '<%= config.bin %> completion zsh > ~/.zfunc/_ronctl',
    '<%= config.bin %> completion fish > ~/.config/fish/completions/ronctl.fish',
  ];
  static override args = {
    shell: Args.option({ options: SHELLS })({ name: 'SHELL', description: 'bash, zsh or fish', required: true }),
  };

  override async perform({ args }: Input<typeof Completion>): Promise<Outcome> {
    const data = await completion({ shell: args.shell, commands: commandList(this.config.commands, this.config.bin) });
    return { data, text: () => completionView(data) };
  }
}
