import { Flags } from '@oclif/core';
import { BaseCommand, type Input, type Outcome } from '../../cli/base-command.ts';
import { opIdFlag } from '../../cli/flags/kms.ts';
import { passphraseFlags } from '../../cli/flags/passphrase.ts';
import { confirmTimeFlag, dryRunFlag, explainFlag, lockTimeoutFlag, onlineFlags } from '../../cli/flags/shared.ts';
import type { Runtime } from '../../cli/runtime.ts';
import { create } from '../../operations/kms/create.ts';
import { createView } from '../../views/kms/create.ts';

export default class KmsCreate extends BaseCommand {
  static override summary = 'make a key';
  static override description =
    `The phase in force decides the tracks: ed25519 is classical in phase 0 and gets an ML-DSA-65 track beside it from phase 1 on; x25519 likewise becomes X-Wing. hybrid and hybrid-kem have both in every phase, ml-dsa, slh-dsa and ml-kem are post-quantum alone.

A tenant that has no key, policy or capability is refused unless --new-tenant is given. The private half is sealed in the store and never leaves it.`;
  static override examples = [
    '<%= config.bin %> kms create --tenant acme --purpose release --alg ed25519 --new-tenant',
    '<%= config.bin %> kms create --tenant acme --purpose data --alg hybrid-kem --suite 2',
  ];
  static override flags = {
    tenant: Flags.string({ summary: 'owner of the key', helpValue: 'TENANT', required: true }),
    purpose: Flags.string({ summary: 'what the key is for (a-z 0-9 . _ -)', helpValue: 'PURPOSE', required: true }),
    alg: Flags.string({
      summary: 'ed25519, hybrid, ml-dsa, slh-dsa to sign; x25519, hybrid-kem, ml-kem to wrap',
      helpValue: 'ALG',
      required: true,
    }),
    suite: Flags.integer({
      summary: 'wrap suite of an X-Wing key: 1 ChaCha20-Poly1305, 2 AES-256-GCM',
      helpValue: 'N',
    }),
    'rotate-days': Flags.integer({ summary: 'rotate earlier than the policy asks (1 to 90)', helpValue: 'N' }),
    'new-tenant': Flags.boolean({ summary: 'the tenant does not exist yet' }),
    'op-id': opIdFlag,
    ...passphraseFlags,
    'confirm-time': confirmTimeFlag,
    'dry-run': dryRunFlag,
    'lock-timeout': lockTimeoutFlag,
    ...onlineFlags,
    explain: explainFlag,
  };

  override async perform({ flags }: Input<typeof KmsCreate>, runtime: Runtime): Promise<Outcome> {
    const request = {
      tenant: flags.tenant,
      purpose: flags.purpose,
      alg: flags.alg,
      suite: flags.suite,
      rotateDays: flags['rotate-days'],
      newTenant: flags['new-tenant'],
      opId: flags['op-id'],
      confirmTime: flags['confirm-time'],
    };
    const data = await create(request, runtime.deps(flags));
    return { data, text: () => createView(data) };
  }
}
