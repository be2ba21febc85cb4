import { BaseCommand, type Input, type Outcome } from '../../cli/base-command.ts';
import { checkedOutput } from '../../cli/checked-output.ts';
import { caveatFlag, expiresFlag, readTokenFile, tokenArg, tokenOutFlag } from '../../cli/flags/capability.ts';
import { forceFlag } from '../../cli/flags/shared.ts';
import type { Runtime } from '../../cli/runtime.ts';
import { attenuate } from '../../operations/cap/attenuate.ts';
import { tokenFile } from '../../operations/cap/describe.ts';
import { capabilityView } from '../../views/cap/capability.ts';

export default class CapAttenuate extends BaseCommand {
  static override summary = 'narrow a capability without asking anybody';
  static override description =
    `Writes a copy with further caveats. It can only narrow: lists intersect, times and rates take the smaller. Rate, use and revocation stay those of the original, however many copies there are. Needs no key, no home and no server.`;
  static override examples = [
    "<%= config.bin %> cap attenuate ci.cap --caveat 'scope = kms:verify' --out verify.cap",
    "<%= config.bin %> cap attenuate ci.cap --caveat 'paths = /v1/kms/sign' --expires 30s --out now.cap",
  ];
  static override args = { file: tokenArg };
  static override flags = {
    caveat: caveatFlag,
    expires: expiresFlag('end it so long from now, or at a time, if it does not end earlier'),
    out: tokenOutFlag,
    force: forceFlag,
  };

  override async perform({ args, flags }: Input<typeof CapAttenuate>, runtime: Runtime): Promise<Outcome> {
    const output = await checkedOutput(runtime, flags, 'text');
    const given = await readTokenFile(runtime, args.file);
    const request = { token: given, caveats: flags.caveat ?? [], expires: flags.expires ?? null };
    const { token, result } = attenuate(request, runtime.deps());
    await output.write(tokenFile(token));
    return { data: result, text: () => capabilityView(result, output.path) };
  }
}
