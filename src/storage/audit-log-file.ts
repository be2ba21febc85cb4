// audit/log.json (log page 4.2): {v:1, store_id, base, service_keys:{ed25519, ml_dsa_65}, epochs:[{n, origin,
// keys:[{from, vkeys:[ed25519, ml-dsa-44]}]}]}. The trust of an ungoverned home (`trust: local`); a hint once a genesis is
// pinned. Refuses epochs out of order and an origin that does not follow from base, store and epoch.

import { formatOrigin, LOG_BASE, type LogKeyEra } from '../audit/checkpoint.ts';
import { toBase64Url } from '../bytes/base64.ts';
import { canonicalFile, type JsonObject } from '../bytes/canonical-json.ts';
import { array, bytesOf, decodeFile, integer, literal, malformed, object, string } from '../bytes/decode.ts';
import { SIGNATURES } from '../crypto/suite.ts';
import { ownBytes, RonError } from '../errors.ts';
import type { Files } from '../host.ts';
import { LIMITS } from '../limits.ts';
import { logFilePath } from './audit-paths.ts';

export interface LogEpoch {
  readonly n: number;
  readonly origin: string;
  readonly keys: readonly LogKeyEra[];
}

export interface LogFile {
  readonly storeId: string;
  readonly base: string;
  readonly serviceKeys: { readonly ed25519: Uint8Array; readonly ml_dsa_65: Uint8Array };
  readonly epochs: readonly LogEpoch[];
}

const shape = object({
  v: literal(1),
  store_id: string({ pattern: /^[0-9a-f]{32}$/, what: '32 lower-case hex characters' }),
  base: string({ pattern: LOG_BASE, maxBytes: 128, what: 'segments of a-z, 0-9, dot and hyphen joined by `/`' }),
  service_keys: object({
    ed25519: bytesOf(SIGNATURES.ed25519.publicBytes),
    ml_dsa_65: bytesOf(SIGNATURES['ml-dsa'].publicBytes),
  }),
  epochs: array(
    object({
      n: integer(0),
      origin: string({ maxBytes: 255 }),
      keys: array(object({ from: integer(0), vkeys: array(string({ maxBytes: 4096 }), 2, 1) }), 1000, 1),
    }),
    10_000,
    1,
  ),
});

export function logFileBytes(log: LogFile): Uint8Array {
  return canonicalFile({
    v: 1,
    store_id: log.storeId,
    base: log.base,
    service_keys: {
      ed25519: toBase64Url(log.serviceKeys.ed25519),
      ml_dsa_65: toBase64Url(log.serviceKeys.ml_dsa_65),
    },
    epochs: log.epochs.map((epoch) => ({
      n: epoch.n,
      origin: epoch.origin,
      keys: epoch.keys.map((era) => ({ from: era.from, vkeys: [...era.vkeys] })),
    })),
  } satisfies JsonObject);
}

/** Throws Malformed. */
export function parseLogFile(bytes: Uint8Array, what: string): LogFile {
  const raw = decodeFile(shape, bytes, what);
  for (const [at, epoch] of raw.epochs.entries()) {
    if (epoch.n !== at) malformed(`epochs[${at}].n`, 'epochs are numbered from 0 in order');
    if (epoch.origin !== formatOrigin(raw.base, raw.store_id, epoch.n)) {
      malformed(`epochs[${at}].origin`, 'the origin does not follow from base, store_id and epoch');
    }
    if (epoch.keys[0]!.from !== 0) malformed(`epochs[${at}].keys[0].from`, 'the first keys sign from size 0 on');
    for (const [i, era] of epoch.keys.entries()) {
      if (i > 0 && era.from <= epoch.keys[i - 1]!.from) malformed(`epochs[${at}].keys[${i}].from`, 'sizes must rise');
    }
  }
  return { storeId: raw.store_id, base: raw.base, serviceKeys: raw.service_keys, epochs: raw.epochs };
}

/** Null when there is no log. */
export function readLogFile(files: Files, auditDir: string): LogFile | null {
  const path = logFilePath(auditDir);
  const bytes = files.read(path, LIMITS.stateFileBytes);
  return bytes === null ? null : parseLogFile(bytes, path);
}

/** As readLogFile, for the log of this home: one that does not parse is Tampered. */
export function ownLogFile(files: Files, auditDir: string): LogFile | null {
  return ownBytes(() => readLogFile(files, auditDir));
}

/** Throws NotInitialised without a log. */
export function requireLogFile(files: Files, auditDir: string): LogFile {
  const log = ownLogFile(files, auditDir);
  if (log !== null) return log;
  throw new RonError('NotInitialised', `there is no audit log in ${auditDir}`, {
    hint: 'Make one with `ronctl init --profile PROFILE`.',
  });
}
