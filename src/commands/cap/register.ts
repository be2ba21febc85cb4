import { BaseCommand, type Input, type Outcome } from '../../cli/base-command.ts';
import { readTokenFile, tokenArg } from '../../cli/flags/capability.ts';
import { passphraseFlags } from '../../cli/flags/passphrase.ts';
import { confirmTimeFlag, dryRunFlag, lockTimeoutFlag } from '../../cli/flags/shared.ts';
import type { Runtime } from '../../cli/runtime.ts';
import { register } from '../../operations/cap/register.ts';
import { registerView } from '../../views/cap/mint.ts';

export default class CapRegister extends BaseCommand {
  static override summary = 'bring a capability made with --no-register into the mint record';
  static override description =
    `Until then the server refuses it. A server that runs on this home is asked by its socket; without one the store is unsealed here. The token itself is the authority: it must have been made under a capability root of this store. Limits per tenant count as for every mint. A capability that is registered already stays as it is.`;
  static override examples = ['<%= config.bin %> cap register ci.cap'];
  static override args = { file: tokenArg };
  static override flags = {
    ...passphraseFlags,
    'confirm-time': confirmTimeFlag,
    'dry-run': dryRunFlag,
    'lock-timeout': lockTimeoutFlag,
  };

  override async perform({ args, flags }: Input<typeof CapRegister>, runtime: Runtime): Promise<Outcome> {
    const token = await readTokenFile(runtime, args.file);
    const data = await register({ token, confirmTime: flags['confirm-time'] }, runtime.deps(flags));
    return { data, text: () => registerView(data) };
  }
}
