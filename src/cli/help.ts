// `--help`: oclif's layout without its root banner noise, written in one piece through the terminal.

import { Help } from '@oclif/core';
import { launchOf } from './launch.ts';

export default class RonctlHelp extends Help {
  protected override log(...args: string[]): void {
    launchOf(this.config).host.terminal.writeStdout(`${args.join('\n')}\n`);
  }
}
