// What the semantic pass looks at in a record, whichever way it was read.

import type { JsonObject } from '../bytes/canonical-json.ts';
import { kidWithoutVersion } from './counters.ts';
import type { AuditOp, AuditRecord } from './draft.ts';

export interface ChainRecord {
  readonly seq: number;
  readonly ts: string;
  readonly mono: number;
  readonly boot: string;
  readonly op: AuditOp;
  readonly ok: boolean;
  /** Without version. */
  readonly kid: string | undefined;
  readonly kidSeq: number;
  readonly generation: number | undefined;
  readonly detail: JsonObject | undefined;
}

export function chainRecord(record: AuditRecord): ChainRecord {
  return {
    seq: record.seq,
    ts: record.ts,
    mono: record.mono,
    boot: record.boot,
    op: record.op,
    ok: record.result === 'ok',
    kid: record.kid === undefined ? undefined : kidWithoutVersion(record.kid),
    kidSeq: record.kid_seq ?? 0,
    generation: record.generation,
    detail: record.detail,
  };
}
