// `audit reconcile` on a governed home: complete as it was made; each finding by a damage that `audit verify` calls consistent,
// because the log was written again under its own keys; and what is known to be elsewhere is undecidable.

import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Json, JsonObject } from '../../../src/bytes/canonical-json.ts';
import { auditReconcile, type ReconcileResult, reconcileError } from '../../../src/operations/audit/reconcile.ts';
import { auditVerify } from '../../../src/operations/audit/verify.ts';
import { mint } from '../../../src/operations/cap/mint.ts';
import { tune } from '../../../src/operations/governance/tune.ts';
import { create } from '../../../src/operations/kms/create.ts';
import { rotate } from '../../../src/operations/kms/rotate.ts';
import { auditReconcileView } from '../../../src/views/audit/reconcile.ts';
import { expectData } from '../../support/data-schema.ts';
import { GovernedStore } from '../../support/governed-store.ts';
import { type LogRecord, recordsOf, resignLog } from '../../support/resigned-log.ts';

let home: GovernedStore;
const copies: GovernedStore[] = [];

beforeAll(async () => {
  home = await GovernedStore.create();
  const key = { tenant: 'acme', purpose: 'release', alg: 'ed25519', newTenant: true };
  const { kid } = await create(key, home.deps());
  await rotate({ kid }, home.deps());
  const other = await create({ ...key, purpose: 'other' }, home.deps());
  await home.carryOut({});
  await home.carryOut({ action: { name: 'root-rotate' } });
  await home.carryOut({ scope: 'tenant:acme', action: { name: 'key-retire', kid } });
  const compromised = { name: 'key-compromised', kid: other.kid.replace('#v1', ''), from_seq: 3, epoch: 0 } as const;
  await home.carryOut({ scope: 'tenant:acme', action: compromised });
  await tune({ change: 'caps.max_active=110', tenant: null, confirmTime: false }, home.deps());
  await mint(
    {
      tenants: ['acme'],
      scopes: ['sign'],
      expires: '5m',
      caveats: [],
      once: false,
      sub: null,
      newTenant: false,
      register: true,
    },
    home.deps(),
  );
}, 120_000);

afterAll(() => {
  for (const one of [home, ...copies]) one.remove();
});

const reconcile = (of: GovernedStore, unseal = false): Promise<ReconcileResult> =>
  auditReconcile({ sealed: unseal ? of.deps() : null, archive: null }, of.deps());

function copy(): GovernedStore {
  const made = home.copy();
  copies.push(made);
  return made;
}

/** A copy whose log was written again; `audit verify` calls it consistent. */
async function resigned(change: (records: LogRecord[]) => readonly JsonObject[]): Promise<ReconcileResult> {
  const made = copy();
  await resignLog(made.home, made.storeDeps(), change);
  const verified = await auditVerify({ target: null, fast: false, headKeys: null }, made.deps());
  expect(verified.findings.map((one) => `${one.code}: ${one.message}`)).toEqual([]);
  const result = await reconcile(made);
  expectData('audit/reconcile', result);
  return result;
}

const text = (value: Json | undefined): string => (typeof value === 'string' ? value : '');
const codes = (result: ReconcileResult): string[] => [...new Set(result.findings.map((one) => one.code))];

/** A mutation that stands for nothing else: in the place of a record that is left out, so that every other keeps its number. */
function inPlaceOf(record: LogRecord): JsonObject {
  const { kid: _kid, kid_seq: _seq, tenant: _tenant, purpose: _purpose, alg: _alg, req: _req, ...rest } = record;
  const op_id = '0190a5a0-0000-7000-8000-00000000abcd';
  return { ...rest, op: 'store.reseal', op_id, detail: { kdf: 'scrypt' } };
}

const replace =
  (op: string, by: (record: LogRecord) => JsonObject, which = 0) =>
  (records: LogRecord[]): JsonObject[] => {
    const at = records.flatMap((one, index) => (one.op === op ? [index] : [])).at(which)!;
    return records.map((one, index) => (index === at ? by(one) : one));
  };

const withDetail = (change: JsonObject) => (record: LogRecord) => ({
  ...record,
  detail: { ...(record['detail'] as JsonObject), ...change },
});

describe('audit reconcile of a home as it was made', () => {
  it('is complete, and says what it compared', async () => {
    const result = await reconcile(home);
    expect(result.findings).toEqual([]);
    expect(result).toMatchObject({ verdict: 'complete', trust: 'pinned', unsealed: false, findings_total: 0 });
    expect(result.counts).toMatchObject({ executed: 4, effects: 7, tunes: 1, keys: 2, mints: 1 });
    expect(result.counts.records).toBe(recordsOf(home.home).length);
    expect(reconcileError(result)).toBeUndefined();
    expectData('audit/reconcile', result);
    expect(JSON.stringify(auditReconcileView(result))).toContain('complete');
  });

  it('is complete against the sealed manifest too', async () => {
    const result = await reconcile(home, true);
    expect(result).toMatchObject({ verdict: 'complete', unsealed: true, findings: [] });
  });
});

const again =
  (op: string, change: (record: LogRecord) => JsonObject = (record) => record) =>
  (records: LogRecord[]): JsonObject[] => {
    const at = records.findIndex((one) => one.op === op);
    return [...records.slice(0, at + 1), change(records[at]!), ...records.slice(at + 1)];
  };

const OTHER_ID = '0190a5a0-0000-7000-8000-00000000abce';
const PLANNED_ID = '0190a5a0-0000-8000-8000-00000000abce';
const DIGEST = `sha256:${'ab'.repeat(32)}`;

/** What was changed in the log, and the finding that says so. */
const ROWS: readonly (readonly [string, (records: LogRecord[]) => readonly JsonObject[], string])[] = [
  ['an effect is left out', replace('root-rotate', inPlaceOf), 'effect-missing'],
  ['a retirement is left out', replace('retire', inPlaceOf), 'effect-missing'],
  ['an execution is left out', replace('governance.execute', inPlaceOf), 'effect-missing'],
  ['an effect stands twice', again('root-rotate'), 'effect-repeated'],
  [
    'an effect that nobody decided',
    again('root-rotate', (record) => ({ ...withDetail({ proposal_digest: DIGEST })(record), op_id: OTHER_ID })),
    'effect-unexplained',
  ],
  [
    'an effect under an operation id of no plan',
    again('root-rotate', (record) => ({ ...record, op_id: PLANNED_ID })),
    'effect-unexplained',
  ],
  [
    'a signature under an operation id as plans have them',
    again('rotate', ({ generation: _g, manifest_sha256: _m, public_sha256: _p, req: _r, ...record }) => ({
      ...record,
      op: 'sign',
      op_id: PLANNED_ID,
      input_hash: `b3:${'ab'.repeat(32)}`,
      detail: {},
    })),
    'effect-unexplained',
  ],
  ['an effect with other args', replace('root-rotate', withDetail({ args: DIGEST })), 'effect-different'],
  ['an effect of another number', replace('root-rotate', withDetail({ n: 1 })), 'effect-different'],
  ['a compromise from a later record', replace('compromised', withDetail({ from_seq: 4 })), 'effect-different'],
  [
    'the retirement of another version',
    replace('retire', (record) => ({ ...record, kid: text(record['kid']).replace('#v1', '#v2') })),
    'effect-different',
  ],
  [
    'a receipt with another state',
    replace('governance.execute', withDetail({ state_after: DIGEST })),
    'receipt-different',
  ],
  [
    'a receipt that somebody else executed',
    replace('governance.execute', (record) => ({ ...record, actor: 'local:7:mallory' })),
    'receipt-different',
  ],
  ['a key is left out', replace('create', inPlaceOf), 'key-unexplained'],
  ['a rotation is left out', replace('rotate', inPlaceOf), 'key-unexplained'],
  ['a compromise is left out', replace('compromised', inPlaceOf), 'key-state'],
  [
    'a key that nobody has',
    again('create', (record) => ({ ...record, kid: kidLike(record), op_id: OTHER_ID })),
    'key-missing',
  ],
  [
    'a key with other public halves',
    replace('create', withDetail({ pub: { ed25519: 'ab'.repeat(32) } })),
    'key-different',
  ],
  [
    'a signature of a key that was never made',
    again('rotate', ({ generation: _g, manifest_sha256: _m, public_sha256: _p, req: _r, ...record }) => ({
      ...record,
      op: 'sign',
      op_id: OTHER_ID,
      kid: kidLike(record),
      input_hash: `b3:${'ab'.repeat(32)}`,
      detail: {},
    })),
    'key-unexplained',
  ],
  ['a ledger line under no record', replace('ledger.append', asReject, -1), 'ledger-uncommitted'],
  ['a ledger line under another hash', replace('ledger.append', withDetail({ hash: DIGEST })), 'ledger-different'],
  ['another genesis', replace('genesis.adopt', withDetail({ genesis_digest: DIGEST })), 'ledger-different'],
  ['a tune without a line', again('tune', withDetail({ to: 115 })), 'tune-unexplained'],
  ['a rollback without a line', replace('tune', asRollback), 'rollback-unexplained'],
  ['a failure of nothing', replace('tune', asFailure), 'effect-unexplained'],
  ['a capability that stands twice', again('mint'), 'mint-unexplained'],
  [
    'a capability of a minter that is none',
    replace('mint', withDetail({ by: `cap:1:${OTHER_ID}` })),
    'mint-unexplained',
  ],
  [
    'a capability under a root that is none',
    replace('mint', withDetail({ cap: { root: 7, id: OTHER_ID } })),
    'mint-unexplained',
  ],
  [
    'an act under a capability that is none',
    replace('tune', (record) => ({ ...record, actor: `cap:1:${OTHER_ID}` })),
    'actor-unexplained',
  ],
];

const kidLike = (record: LogRecord): string => text(record['kid']).replace(/[0-9a-f]{12}#v\d+$/, 'ffffffffffff#v1');

function asReject({ public_sha256: _public, detail: _detail, ...record }: LogRecord): JsonObject {
  return { ...record, op: 'time.confirm', detail: { mark: '2026-03-01T12:00:00.000Z' } };
}

function asRollback({ req: _req, ...record }: LogRecord): JsonObject {
  return { ...record, op: 'rollback', detail: { proposal_digest: DIGEST, scope: 'global', exception_until: null } };
}

function asFailure({ req: _req, ...record }: LogRecord): JsonObject {
  const detail = { proposal_digest: DIGEST, applied: [], code: 'Stale' };
  return { ...record, op: 'governance.failed', result: 'Stale', detail };
}

describe('a log that is signed, consistent and not complete', () => {
  it.each(ROWS)('%s', async (_what, change, code) => {
    const result = await resigned(change);
    expect(result.verdict).toBe('unexplained');
    expect(codes(result)).toContain(code);
    expect(reconcileError(result)).toMatchObject({ code: 'Tampered', exit: 10 });
  });

  it('has a generation that nobody raised', async () => {
    const made = copy();
    const last = recordsOf(home.home).length - 1;
    const raised = (records: LogRecord[]): JsonObject[] =>
      records.map((one, at) => (at === last ? { ...one, generation: Number(one['generation']) + 1 } : one));
    await resignLog(made.home, made.storeDeps(), raised, false);
    expect(codes(await reconcile(made))).toEqual(['generation-hole']);
  });
});

describe('files beside a log that is whole', () => {
  const ledger = (of: GovernedStore): string => join(of.home, 'ledger/000000.jsonl');
  const shown = (of: GovernedStore): string => join(of.home, 'store/public.json');

  it('a line of the ledger is changed, or gone', async () => {
    const changed = copy();
    const lines = readFileSync(ledger(changed), 'utf8').split('\n');
    writeFileSync(ledger(changed), lines.map((line, at) => (at === 2 ? lines[3]! : line)).join('\n'));
    expect(codes(await reconcile(changed))).toEqual(['ledger-invalid']);
    const cut = copy();
    writeFileSync(
      ledger(cut),
      lines
        .slice(0, 4)
        .map((line) => `${line}\n`)
        .join(''),
    );
    expect(await reconcile(cut)).toMatchObject({
      verdict: 'unexplained',
      findings: [{ code: 'ledger-missing', file: 'ledger/000000.jsonl' }],
    });
  });

  it('public.json has another state, a further key, or is gone', async () => {
    const verify = async (of: GovernedStore): Promise<string> =>
      (await auditVerify({ target: null, fast: false, headKeys: null }, of.deps())).verdict;
    const active = copy();
    const text = readFileSync(shown(active), 'utf8');
    writeFileSync(shown(active), text.replace('"state":"compromised"', '"state":"active"'));
    expect(await verify(active)).toBe('consistent');
    expect(codes(await reconcile(active))).toEqual(['view-different', 'key-state']);
    const gone = copy();
    rmSync(shown(gone));
    expect(codes(await reconcile(gone))).toEqual(['view-missing']);
  });

  it('a record is changed below the checkpoint, or a segment is gone', async () => {
    const changed = copy();
    const segment = join(changed.home, 'audit/e0/segments/000000.jsonl');
    writeFileSync(segment, readFileSync(segment, 'utf8').replace('"to":110', '"to":111'));
    expect(codes(await reconcile(changed))).toEqual(['tune-unexplained', 'root-mismatch', 'line-unrecorded']);
    const gone = copy();
    rmSync(join(gone.home, 'audit/e0/segments/000000.jsonl'));
    expect(codes(await reconcile(gone))).toContain('missing-records');
  });
});

describe('data that is elsewhere', () => {
  it('no key is trusted where the pin is gone', async () => {
    const made = copy();
    rmSync(join(made.home, 'trust'), { recursive: true });
    const result = await reconcile(made);
    expect(result).toMatchObject({ verdict: 'undecidable', trust: 'none', findings: [{ code: 'no-trusted-key' }] });
    expect(reconcileError(result)).toMatchObject({ code: 'NoTrustedKey', exit: 11 });
  });
});
