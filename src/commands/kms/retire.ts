import { Flags } from '@oclif/core';
import { BaseCommand, type Input, type Outcome } from '../../cli/base-command.ts';
import { kidArg } from '../../cli/flags/kms.ts';
import { passphraseFlags } from '../../cli/flags/passphrase.ts';
import { dryRunFlag, lockTimeoutFlag, onlineFlags, roleFlag, signerFlag } from '../../cli/flags/shared.ts';
import type { Runtime } from '../../cli/runtime.ts';
import { retire } from '../../operations/kms/retire.ts';
import { retireView } from '../../views/kms/retire.ts';

export default class KmsRetire extends BaseCommand {
  static override summary = 'propose to destroy the private half of a key';
  static override description =
    `Writes the proposal key-retire to the inbox, signed by its author; a quorum approves it and governance execute carries it out. With a version in KID only that one (never the newest), without it the whole key.

IRREVERSIBLE: the sealed records are deleted. Signatures stay checkable for ever; no envelope of a retired version opens again. What retire cannot do: backups, and disk blocks that were not overwritten, still hold the sealed record, which the passphrase of that time opens.`;
  static override examples = ['<%= config.bin %> kms retire KID#v1 --rationale "replaced in May" --signer carol'];
  static override args = { kid: kidArg };
  static override flags = {
    rationale: Flags.string({ summary: 'why; shown to every approver', helpValue: 'TEXT', required: true }),
    expires: Flags.string({ summary: 'duration or time after which it cannot be executed', default: '24h' }),
    signer: signerFlag,
    role: roleFlag,
    ...passphraseFlags,
    'dry-run': dryRunFlag,
    'lock-timeout': lockTimeoutFlag,
    ...onlineFlags,
  };

  override async perform({ args, flags }: Input<typeof KmsRetire>, runtime: Runtime): Promise<Outcome> {
    const request = {
      kid: args.kid,
      rationale: flags.rationale,
      expires: flags.expires,
      signer: runtime.preferredSigner(flags.signer) ?? null,
      role: flags.role ?? null,
    };
    const data = await retire(request, await runtime.signDeps(flags));
    return { data, text: () => retireView(data) };
  }
}
