import { Flags } from '@oclif/core';
import { BaseCommand, type Input, type Outcome } from '../../cli/base-command.ts';
import { opIdFlag } from '../../cli/flags/kms.ts';
import { passphraseFlags } from '../../cli/flags/passphrase.ts';
import { confirmTimeFlag, dryRunFlag, explainFlag, lockTimeoutFlag, onlineFlags } from '../../cli/flags/shared.ts';
import type { Runtime } from '../../cli/runtime.ts';
import { rotate } from '../../operations/cap/rotate.ts';
import { rotateView } from '../../views/cap/list.ts';

export default class CapRotate extends BaseCommand {
  static override summary = 'make a new capability root';
  static override description =
    `New capabilities are made under it. Those of older roots go on until they expire, at most 24 hours; with --now they end at once, all of them. A root older than 30 days is reported as degraded.

Keys of the store are rotated by kms rotate. With --kid this command does the same, because the runbook says it so.`;
  static override examples = [
    '<%= config.bin %> cap rotate --kms local',
    '<%= config.bin %> cap rotate --now --passphrase-file store.pass',
    '<%= config.bin %> cap rotate --kid acme/release/ed25519/0190f3c0-0000-7000-8000-000000000001',
  ];
  static override flags = {
    now: Flags.boolean({ default: false, summary: 'end every capability of older roots at once', exclusive: ['kid'] }),
    kid: Flags.string({ summary: 'rotate this key instead, as kms rotate', helpValue: 'KID' }),
    'op-id': opIdFlag,
    ...passphraseFlags,
    'confirm-time': confirmTimeFlag,
    'dry-run': dryRunFlag,
    'lock-timeout': lockTimeoutFlag,
    ...onlineFlags,
    explain: explainFlag,
  };

  override async perform({ flags }: Input<typeof CapRotate>, runtime: Runtime): Promise<Outcome> {
    const request = {
      now: flags.now,
      kid: flags.kid ?? null,
      opId: flags['op-id'],
      confirmTime: flags['confirm-time'],
    };
    const data = await rotate(request, runtime.deps(flags));
    return { data, text: () => rotateView(data) };
  }
}
