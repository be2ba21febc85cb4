// `ronctl store status` for people.

import type { StoreStatusResult } from '../../operations/store/status.ts';
import { fields, line, type TextModel } from '../../ui/text-model.ts';

const UNITS = ['B', 'kB', 'MB', 'GB', 'TB'];

/** Decimal units, three digits. */
export function bytesText(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 1000 && unit < UNITS.length - 1) {
    value /= 1000;
    unit++;
  }
  return unit === 0 ? `${bytes} B` : `${value.toPrecision(3)} ${UNITS[unit]}`;
}

const perDay = (bytes: number | null): string => (bytes === null ? 'not known' : bytesText(bytes));

export function storeStatusView(result: StoreStatusResult): TextModel {
  const { log, disk, holder } = result;
  const growth =
    disk.audit_bytes_per_day === null
      ? 'not known yet (the log is younger than an hour)'
      : `a day: store ${perDay(disk.store_bytes_per_day)}, ledger ${perDay(disk.ledger_bytes_per_day)}, audit ${perDay(disk.audit_bytes_per_day)}`;
  return [
    fields([
      ['store', result.store_id],
      ['trust', result.trust, result.trust === 'not-authenticated' ? 'warn' : 'plain'],
      ['generation', `${result.generation}`],
      ['ledger', result.ledger_id === null ? 'none (ungoverned)' : `${result.ledger_id}, ${result.ledger_lines} lines`],
      ['keys', `${result.keys} with ${result.key_versions} versions`],
      ['audit log', log.origin],
      ['checkpoint', log.checkpoint_at === null ? 'none' : `size ${log.size} at ${log.checkpoint_at}`],
      ...(log.behind === 0 ? [] : [['behind it', `${log.behind} records, not yet signed`, 'warn'] as const]),
      ...(holder === null
        ? []
        : [['held by', `${holder.role}, pid ${holder.pid} on ${holder.host}, since ${holder.since}`] as const]),
      [
        'size',
        `store ${bytesText(disk.bytes.store)}, ledger ${bytesText(disk.bytes.ledger)}, audit ${bytesText(disk.bytes.audit)}`,
      ],
      ['growth', growth],
      ['free', `${bytesText(disk.free_bytes)}${disk.days_left === null ? '' : `, ${disk.days_left} days left`}`],
    ]),
    ...(result.rolled_back === null ? [] : [line(`rolled back: ${result.rolled_back}`, 'warn')]),
    ...(result.restored_at === null
      ? []
      : [line(`restored from a backup at ${result.restored_at}: verify-only until restore-accept`, 'warn')]),
  ];
}
