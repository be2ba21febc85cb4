import { Flags } from '@oclif/core';
import { parseDuration, parseTime, toTime } from '../../bytes/time.ts';
import { BaseCommand, type Input, type Outcome } from '../../cli/base-command.ts';
import { onlineFlags, strictFlag, tenantFlag } from '../../cli/flags/shared.ts';
import type { Runtime } from '../../cli/runtime.ts';
import { tenantGiven } from '../../cli/tenant.ts';
import { judgeTrust } from '../../cli/trust.ts';
import { auditLog } from '../../operations/audit/log.ts';
import { auditLogView } from '../../views/audit/log.ts';

export default class AuditLog extends BaseCommand {
  static override summary = 'list records of the audit log, newest first';
  static override description =
    'Each record is proved under the newest checkpoint, or shown as unsigned when it lies behind it. Needs no passphrase.';
  static override examples = [
    '<%= config.bin %> audit log --limit 20',
    '<%= config.bin %> audit log --since 7d --op sign --tenant acme',
  ];
  static override flags = {
    since: Flags.string({ summary: 'only records from then on: a duration back, or a time', helpValue: 'TIME' }),
    from: Flags.integer({ summary: 'only records from this index on', helpValue: 'INDEX', min: 0 }),
    limit: Flags.integer({ summary: 'at most so many, the newest', default: 50, min: 1, max: 100_000 }),
    op: Flags.string({ summary: 'only this operation', helpValue: 'OP' }),
    tenant: tenantFlag,
    kid: Flags.string({ summary: 'only this key, with or without version', helpValue: 'KID' }),
    epoch: Flags.integer({ summary: 'epoch of the log; default: the newest', helpValue: 'N', min: 0 }),
    strict: strictFlag,
    ...onlineFlags,
  };

  override async perform({ flags }: Input<typeof AuditLog>, runtime: Runtime): Promise<Outcome> {
    const now = runtime.host.clock.now();
    const request = {
      since: flags.since === undefined ? null : sinceTime(flags.since, now),
      from: flags.from ?? null,
      limit: flags.limit,
      op: flags.op ?? null,
      tenant: flags.tenant === undefined ? null : tenantGiven(runtime.host, flags.tenant),
      kid: flags.kid ?? null,
      epoch: flags.epoch ?? null,
    };
    const data = await auditLog(request, await runtime.readDeps());
    return { data, text: () => auditLogView(data), error: judgeTrust(runtime.host, data.trust, flags.strict) };
  }
}

/** A duration counts back from now. */
function sinceTime(text: string, nowMs: number): string {
  return toTime(/^\d{4}-/.test(text) ? parseTime(text, '--since') : nowMs - parseDuration(text, '--since'));
}
