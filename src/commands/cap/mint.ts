import { Flags } from '@oclif/core';
import { BaseCommand, type Input, type Outcome } from '../../cli/base-command.ts';
import { checkedOutput } from '../../cli/checked-output.ts';
import { caveatFlag, expiresFlag, tokenOutFlag } from '../../cli/flags/capability.ts';
import { opIdFlag } from '../../cli/flags/kms.ts';
import { passphraseFlags } from '../../cli/flags/passphrase.ts';
import {
  confirmTimeFlag,
  dryRunFlag,
  explainFlag,
  forceFlag,
  lockTimeoutFlag,
  onlineFlags,
} from '../../cli/flags/shared.ts';
import type { Runtime } from '../../cli/runtime.ts';
import { tokenFile } from '../../operations/cap/describe.ts';
import { mint } from '../../operations/cap/mint.ts';
import { mintView } from '../../views/cap/mint.ts';

export default class CapMint extends BaseCommand {
  static override summary = 'make a capability for a client of the server';
  static override description =
    `A capability says who may ask what of the server: tenants, scopes, a time, and whatever else its caveats narrow. Its bearer can narrow it further (cap attenuate), never widen it.

In the home of the store the capability root is unsealed here, and every scope may be given; a server that runs on this home registers the result by its socket. With --kms the server mints on behalf of the capability that asks: a subset of it, or what a ceiling allows its holder, never kms:admin or kms:govern.

Scopes: kms:read, kms:sign, kms:verify, kms:wrap, kms:unwrap, kms:rotate for tenants; kms:admin, kms:audit, kms:govern for the tenant _instance. The token is written to the file alone, never shown. Every mint is in the audit log.`;
  static override examples = [
    '<%= config.bin %> cap mint --tenant acme --scope sign,verify --out ci.cap',
    "<%= config.bin %> cap mint --tenant acme --scope sign --once --expires 5m --caveat 'purpose = release' --out once.cap",
    '<%= config.bin %> cap mint --tenant _instance --scope audit --scope read --sub auditor --expires 15m --out audit.cap',
  ];
  static override flags = {
    tenant: Flags.string({
      summary: 'tenant it is for, or _instance alone; a list with commas, or repeated',
      helpValue: 'ID',
      multiple: true,
      multipleNonGreedy: true,
      required: true,
    }),
    scope: Flags.string({
      summary: 'what it allows, with or without kms:; a list with commas, or repeated',
      helpValue: 'SCOPE',
      multiple: true,
      multipleNonGreedy: true,
      required: true,
    }),
    expires: expiresFlag('when it ends: so long from now, or at a time [default: 15m, with --once 5m]'),
    caveat: caveatFlag,
    once: Flags.boolean({
      default: false,
      summary: 'for one use, of an operation that leaves a record; at most 10 minutes',
    }),
    sub: Flags.string({ summary: 'standing name of its bearer, which a ceiling may name', helpValue: 'NAME' }),
    'new-tenant': Flags.boolean({ default: false, summary: 'the tenant does not exist yet' }),
    register: Flags.boolean({
      summary: 'put it into the mint record; --no-register leaves that to cap register',
      allowNo: true,
      default: true,
    }),
    out: tokenOutFlag,
    force: forceFlag,
    'op-id': opIdFlag,
    ...passphraseFlags,
    'confirm-time': confirmTimeFlag,
    'dry-run': dryRunFlag,
    'lock-timeout': lockTimeoutFlag,
    ...onlineFlags,
    explain: explainFlag,
  };

  override async perform({ flags }: Input<typeof CapMint>, runtime: Runtime): Promise<Outcome> {
    const output = await checkedOutput(runtime, flags, 'text');
    const request = {
      tenants: flags.tenant.flatMap((list) => list.split(',')),
      scopes: flags.scope.flatMap((list) => list.split(',')),
      expires: flags.expires ?? (flags.once ? '5m' : '15m'),
      caveats: flags.caveat ?? [],
      once: flags.once,
      sub: flags.sub ?? null,
      newTenant: flags['new-tenant'],
      register: flags.register,
      opId: flags['op-id'],
      confirmTime: flags['confirm-time'],
    };
    const { token, result } = await mint(request, runtime.deps(flags));
    await output.write(token === null ? null : tokenFile(token));
    return { data: result, text: () => mintView(result, output.path) };
  }
}
