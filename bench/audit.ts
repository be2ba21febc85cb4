// The audit log (performance page, section 3): append with group commit, and `audit verify` of a log of 1,000,000 records of
// about 400 bytes as whole process, with and without the semantic pass, against openssl, sha256sum and the Go sumdb program
// (when Go is there) on the same file in the same run. Targets: append at least 5,000 records/s; verify with --fast (chain, tree,
// tiles, every checkpoint) at most 0.6 times the Go program (0.99 s on the machine of the performance page) and 3 times openssl,
// with the semantic pass at most 2.5 µs a record and core, under 300 MB.
// Run: npm run build && node bench/audit.ts [records]

import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { LogSigningKeys } from '../src/audit/checkpoint.ts';
import type { AuditDraft } from '../src/audit/draft.ts';
import { nodeClock, nodeRandom } from '../src/cli/node-clock.ts';
import { nodeFiles } from '../src/cli/node-files.ts';
import { sha256Hex } from '../src/crypto/hash.ts';
import { nativeCrypto } from '../src/crypto/native.ts';
import { type AuditAppender, createAuditLog } from '../src/storage/audit-appender.ts';
import { segmentName } from '../src/storage/audit-paths.ts';
import { ensureHome, homePaths } from '../src/storage/home.ts';
import { goProgram, median, type Timed, timed } from './whole-process.ts';

const records = Number(process.argv[2] ?? 1_000_000);
const CHECKPOINT_EVERY = 5000;
const root = fileURLToPath(new URL('..', import.meta.url)).replace(/\/$/, '');
const directory = mkdtempSync(join(tmpdir(), 'ronctl-bench-'));
const home = join(directory, 'home');
const crypto = nativeCrypto();
const deps = { files: nodeFiles(), clock: nodeClock(), random: nodeRandom(), crypto };

const keys = async (): Promise<LogSigningKeys> => ({
  ed25519: await crypto.signature('ed25519').importSecret(await crypto.signature('ed25519').generate()),
  mlDsa44: await crypto.signature('ml-dsa-44').importSecret(await crypto.signature('ml-dsa-44').generate()),
});

const heads = { generation: 1, manifest_sha256: '0'.repeat(64), public_sha256: '1'.repeat(64) };
const system = { actor: 'system', result: 'ok' } as const;
const init: AuditDraft = { op: 'init', ...system, ...heads, detail: { profile: 'dev', version: '0.1.0' } };

/** About 400 bytes as a line: a wrapped key of a short tenant, without purpose and algs. */
const draft = (n: number): AuditDraft => ({
  op: 'wrap',
  actor: 'cap:1:c1',
  kid: `t/p/ml-kem/00000000-0000-4000-8000-${String(n % 1000).padStart(12, '0')}#v1`,
  result: 'ok',
});

async function checkpoint(log: AuditAppender): Promise<void> {
  const detail = await log.stateDetail(1, 1000);
  const state: AuditDraft[] = detail === null ? [] : [{ op: 'state', ...system, detail }];
  await log.append([...state, { op: 'manifest', ...system, ...heads }]);
  await log.signCheckpoint();
}

/** One record per call, `callers` at a time, as requests of a server come. */
async function append(log: AuditAppender, count: number, callers: number): Promise<void> {
  let next = 0;
  const caller = async (): Promise<void> => {
    while (next < count) await log.append([draft(next++)]);
  };
  await Promise.all(Array.from({ length: callers }, caller));
}

const seconds = (begin: number): number => (performance.now() - begin) / 1000;

await ensureHome(deps, homePaths(home));
const log = await createAuditLog(deps, {
  auditDir: homePaths(home).audit,
  storeId: sha256Hex(crypto.provider === 'native' ? new Uint8Array(1) : new Uint8Array(2)).slice(0, 32),
  base: 'bench.invalid',
  logKeys: await keys(),
  serviceKeys: { ed25519: new Uint8Array(32), ml_dsa_65: new Uint8Array(1952) },
  headKey: deps.random.bytes(32),
});
await log.append([init]);
for (const callers of [1, 12, 32, 256]) {
  const count = callers === 1 ? 2000 : 20_000;
  const begin = performance.now();
  await append(log, count, callers);
  console.log(`append, ${callers} at a time: ${Math.round(count / seconds(begin))} records/s`);
}
const filled = performance.now();
while (log.size < records) {
  const batch = Math.min(500, records - log.size);
  const parts = Array.from({ length: batch }, (_, at) => draft(log.size + at));
  await log.append(parts);
  if (log.size % CHECKPOINT_EVERY < 500) await checkpoint(log);
}
await checkpoint(log);
log.close();
console.log(`filled to ${log.size} records in ${seconds(filled).toFixed(1)} s (500 in a call)`);

const segments = Array.from({ length: Math.ceil(log.size / 65_536) }, (_, n) =>
  join(homePaths(home).audit, 'e0/segments', segmentName(n)),
);
const bytes = segments.reduce((sum, file) => sum + statSync(file).size, 0);
console.log(`${(bytes / 1e6).toFixed(0)} MB, ${Math.round(bytes / log.size)} bytes a record`);

const env = { PATH: process.env['PATH'] ?? '/usr/bin:/bin', RONCTL_HOME: home, HOME: directory };
const main = join(root, 'dist', 'cli', 'main.js');
const options = ['--disable-sigusr1', '--no-addons'];

const go = goProgram(directory, segments);
const verify = [process.execPath, ...options, main, 'audit', 'verify'];
const variants: readonly (readonly [name: string, argv: readonly string[] | null])[] = [
  ['openssl dgst -sha256', ['openssl', 'dgst', '-sha256', ...segments]],
  ['sha256sum', ['sha256sum', ...segments]],
  ['Go x/mod sumdb/tlog', go],
  ['audit verify --fast', [...verify, '--fast']],
  ['audit verify', verify],
];
const ROUNDS = 5;
const times = new Map(variants.map(([name]) => [name, [] as Timed[]]));
for (let round = 0; round <= ROUNDS; round++) {
  for (const [name, argv] of variants) {
    if (argv === null) continue;
    const run = timed(argv, env);
    if (round > 0) times.get(name)!.push(run);
  }
}
rmSync(directory, { recursive: true, force: true });

/** Of the performance page: the Go program against openssl on the same file, for machines without Go. */
const GO_BY_OPENSSL = 0.99 / 0.226;
const openssl = median(times.get('openssl dgst -sha256')!.map((one) => one.seconds));
const goTimes = times.get('Go x/mod sumdb/tlog')!;
const goSeconds = goTimes.length > 0 ? median(goTimes.map((one) => one.seconds)) : openssl * GO_BY_OPENSSL;
const goName = goTimes.length > 0 ? 'Go' : 'Go (reckoned from openssl; Go is not here)';
for (const [name, values] of times) {
  if (values.length === 0) continue;
  const wall = median(values.map((one) => one.seconds));
  const memory = values.flatMap((one) => (one.megabytes === null ? [] : [one.megabytes]));
  const size = memory.length === 0 ? '' : `, ${Math.round(Math.max(...memory))} MB`;
  const ratios = `${(wall / openssl).toFixed(2)}x openssl, ${(wall / goSeconds).toFixed(2)}x ${goName}`;
  console.log(`${name}: ${wall.toFixed(2)} s${size}, ${((wall / log.size) * 1e6).toFixed(2)} µs a record; ${ratios}`);
}
