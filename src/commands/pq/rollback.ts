import { BaseCommand, type Input, type Outcome } from '../../cli/base-command.ts';
import { durationFlag } from '../../cli/flags/duration.ts';
import { passphraseFlags } from '../../cli/flags/passphrase.ts';
import {
  confirmTimeFlag,
  dryRunFlag,
  expectDigestFlag,
  explainFlag,
  lockTimeoutFlag,
  onlineFlags,
  scopeFlag,
  tenantFlag,
} from '../../cli/flags/shared.ts';
import { pqScope } from '../../cli/pq-scope.ts';
import type { Runtime } from '../../cli/runtime.ts';
import { findRollback, rollback } from '../../operations/pq/rollback.ts';
import { rollbackView } from '../../views/pq/rollback.ts';

export default class PqRollback extends BaseCommand {
  static override summary = 'use the pre-authorised rollback clause of a scope, once';
  static override description =
    'Goes back one notch for at most 24 hours, without new signatures: the quorum that approved the raise approved the ' +
    'clause with it. Shows the 12 words of that proposal and wants the end of its id retyped, or --expect-digest.';
  static override examples = [
    '<%= config.bin %> pq rollback --tenant acme',
    '<%= config.bin %> pq rollback --scope global --for 2h --expect-digest sha256:...',
  ];
  static override flags = {
    tenant: tenantFlag,
    scope: scopeFlag,
    for: durationFlag({ flag: '--for', summary: 'how long [default: 24h, the most]' }),
    'expect-digest': expectDigestFlag,
    'confirm-time': confirmTimeFlag,
    ...onlineFlags,
    explain: explainFlag,
    ...passphraseFlags,
    'dry-run': dryRunFlag,
    'lock-timeout': lockTimeoutFlag,
  };

  override async perform({ flags }: Input<typeof PqRollback>, runtime: Runtime): Promise<Outcome> {
    const deps = runtime.deps(flags);
    const durationS = flags.for === undefined ? null : flags.for / 1000;
    const request = { scope: pqScope(runtime.host, flags), durationS };
    const confirmed = await findRollback(request, await runtime.readDeps(flags));
    await runtime.confirm({
      act: `go back to ${confirmed.changes.join(', ')} by the clause of`,
      id: confirmed.proposal_id,
      digest: confirmed.proposal_digest,
      words: confirmed.words.join(' '),
      expectDigest: flags['expect-digest'],
    });
    const data = await rollback({ ...request, confirmed, confirmTime: flags['confirm-time'] }, deps);
    return { data, text: () => rollbackView(data) };
  }
}
