import { BaseCommand, type Input, type Outcome } from '../../cli/base-command.ts';
import { readTokenFile, tokenArg } from '../../cli/flags/capability.ts';
import type { Runtime } from '../../cli/runtime.ts';
import { inspect } from '../../operations/cap/inspect.ts';
import { inspectView } from '../../views/cap/capability.ts';

export default class CapInspect extends BaseCommand {
  static override summary = 'show what a capability says, without any key';
  static override description =
    `Prints its id, its root, every caveat, and what all of them leave together. Anybody can write such a file: whether it is genuine, registered and not revoked is for cap verify. The token itself is not shown.`;
  static override examples = ['<%= config.bin %> cap inspect ci.cap', '<%= config.bin %> cap inspect - < ci.cap'];
  static override args = { file: tokenArg };

  override async perform({ args }: Input<typeof CapInspect>, runtime: Runtime): Promise<Outcome> {
    const data = inspect(await readTokenFile(runtime, args.file), runtime.deps());
    return { data, text: () => inspectView(data) };
  }
}
