// What a caller asks the audit log to record (log page 4.3); the appender adds v, seq, r, prev, ts, mono, boot, kid_seq.

import type { JsonObject } from '../bytes/canonical-json.ts';
import type { ErrorCode } from '../errors.ts';

/** The closed list of operations (log page 4.4). Writers refuse others; readers show them. */
export type AuditOp =
  | 'init'
  | 'epoch.open'
  | 'genesis.adopt'
  | 'manifest'
  | 'state'
  | 'gap'
  | 'archive'
  | 'start'
  | 'stop'
  | 'config'
  | 'time.confirm'
  | 'interlock'
  | 'store.passphrase'
  | 'store.reseal'
  | 'create'
  | 'rotate'
  | 'retire'
  | 'compromised'
  | 'sign'
  | 'wrap'
  | 'unwrap'
  | 'verify'
  | 'reject'
  | 'attest'
  | 'mint'
  | 'revoke'
  | 'cap.rotate'
  | 'ledger.append'
  | 'freeze'
  | 'unfreeze'
  | 'signer-set-change'
  | 'service-key-rotate'
  | 'log-key-rotate'
  | 'root-rotate'
  | 'backend-change'
  | 'exception'
  | 'ceiling'
  | 'envelope'
  | 'clock-reset'
  | 'appeal'
  | 'governance.execute'
  | 'governance.failed'
  | 'tune'
  | 'rollback';

export interface AuditDraft {
  readonly op: AuditOp;
  /** A fresh UUIDv7 when absent. */
  readonly op_id?: string;
  /** 64 hex: keyed digest of the canonical request, on mutations with a caller's op_id. */
  readonly req?: string;
  /** `local:<uid>:<login>`, `cap:<root>:<id>` or `system`. */
  readonly actor: string;
  readonly tenant?: string;
  /** With `#vN`. */
  readonly kid?: string;
  readonly alg?: string;
  readonly purpose?: string;
  readonly input_hash?: string;
  readonly result: 'ok' | ErrorCode;
  readonly attestation?: { readonly class: string; readonly evidence: string };
  readonly generation?: number;
  readonly manifest_sha256?: string;
  readonly public_sha256?: string;
  /** Closed schema per op. `governed:false` is added by the custody store while the instance is ungoverned. */
  readonly detail?: JsonObject;
}

/** A record as it stands in the log (log page 4.3). */
export interface AuditRecord extends AuditDraft {
  readonly v: 1;
  readonly seq: number;
  readonly r: string;
  readonly prev: string;
  readonly ts: string;
  readonly mono: number;
  readonly boot: string;
  readonly op_id: string;
  readonly kid_seq?: number;
}
