// A log of 10,000,000 records (performance page, sections 3 and 4): `audit prove` of one record beyond process start, and
// `audit verify` with its largest resident size, whole and from a checkpoint on, against openssl, sha256sum and the Go sumdb
// program (when Go is there) on the same files in one run. Targets: a proof at most 5 ms beyond `version`; verify under
// 300 MB. Wants about 360 bytes a record free where the temporary files are; they are removed at the end.
// Run: npm run build && node bench/audit-large.ts [records] [rounds]

import { appendFileSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type LogSigningKeys, logVkeys, signCheckpoint } from '../src/audit/checkpoint.ts';
import { countersDigest, countersFile } from '../src/audit/counters.ts';
import { leafHash, NO_PREVIOUS } from '../src/audit/leaf.ts';
import { tilePath } from '../src/audit/tile.ts';
import { Frontier } from '../src/audit/tree.ts';
import { toHex } from '../src/bytes/hex.ts';
import { nodeClock, nodeRandom } from '../src/cli/node-clock.ts';
import { nodeFiles } from '../src/cli/node-files.ts';
import { nativeCrypto } from '../src/crypto/native.ts';
import { logFileBytes } from '../src/storage/audit-log-file.ts';
import { checkpointLine } from '../src/storage/audit-notes.ts';
import { segmentName } from '../src/storage/audit-paths.ts';
import { TileBuilder } from '../src/storage/audit-tiles.ts';
import { ensureHome, homePaths } from '../src/storage/home.ts';
import { goProgram, median, type Timed, timed } from './whole-process.ts';

const records = Number(process.argv[2] ?? 10_000_000);
const CHECKPOINT_EVERY = 50_000;
const ROUNDS = Number(process.argv[3] ?? 3);
const root = fileURLToPath(new URL('..', import.meta.url)).replace(/\/$/, '');
const directory = mkdtempSync(join(tmpdir(), 'ronctl-bench-'));
const home = join(directory, 'home');
const crypto = nativeCrypto();

const deps = { files: nodeFiles(), clock: nodeClock(), random: nodeRandom(), crypto };
const ORIGIN = 'bench.invalid/0123456789abcdef0123456789abcdef/e0';
const KIDS = 1000;
const hex = (n: number, length: number): string => n.toString(16).padStart(length, '0');

/** Lines as the writer makes them, streamed to files with their tiles and checkpoints; not acknowledged, so not synced. */
class Writer {
  readonly #epoch = join(homePaths(home).audit, 'e0');
  readonly #frontier = new Frontier();
  readonly #tiles = TileBuilder.empty();
  readonly #keys: LogSigningKeys;
  readonly #kids = new Map<string, number>();
  #prev = NO_PREVIOUS;
  #lines: string[] = [];
  #mono = 1000;
  #stateSeq = 0;
  readonly #start = Date.now() - 3_600_000;

  constructor(keys: LogSigningKeys) {
    this.#keys = keys;
    for (const name of ['segments', 'tile']) mkdirSync(join(this.#epoch, name), { recursive: true, mode: 0o700 });
  }

  get size(): number {
    return this.#frontier.size;
  }

  /** `before` and `after`: members around those that every record has, as text. */
  #append(op: string, parts: { detail?: string; heads?: boolean; kid?: string; actor?: string }): void {
    const seq = this.size;
    if (seq % 100 === 0) this.#mono++;
    const ts = new Date(this.#start + this.#mono).toISOString();
    const kidSeq = parts.kid === undefined ? 0 : (this.#kids.get(parts.kid) ?? 0) + 1;
    if (parts.kid !== undefined) this.#kids.set(parts.kid, kidSeq);
    const line =
      `{"actor":"${parts.actor ?? 'system'}","boot":"00000000",` +
      (parts.detail === undefined ? '' : `"detail":${parts.detail},`) +
      (parts.heads === true ? '"generation":1,' : '') +
      (parts.kid === undefined ? '' : `"kid":"${parts.kid}#v1","kid_seq":${kidSeq},`) +
      (parts.heads === true ? `"manifest_sha256":"${'0'.repeat(64)}",` : '') +
      `"mono":${this.#mono},"op":"${op}","op_id":"00000000-0000-4000-8000-${hex(seq, 12)}","prev":"${this.#prev}",` +
      (parts.heads === true ? `"public_sha256":"${'1'.repeat(64)}",` : '') +
      `"r":"AAAAAAAAAAAAA${hex(seq, 8)}A","result":"ok","seq":${seq},"ts":"${ts}","v":1}`;
    const leaf = leafHash(Buffer.from(line, 'latin1'));
    this.#frontier.append(leaf);
    this.#tiles.append(leaf);
    this.#prev = toHex(leaf);
    this.#lines.push(line);
    if (this.size % 65_536 === 0) this.#flush();
  }

  #flush(): void {
    if (this.#lines.length === 0) return;
    const number = Math.floor((this.size - 1) / 65_536);
    appendFileSync(join(this.#epoch, 'segments', segmentName(number)), `${this.#lines.join('\n')}\n`, { mode: 0o600 });
    this.#lines = [];
  }

  init(): void {
    this.#append('init', { heads: true, detail: '{"governed":false,"profile":"dev","version":"0.1.0"}' });
  }

  wrap(): void {
    this.#append('wrap', { actor: 'cap:1:c1', kid: `t/p/ml-kem/00000000-0000-4000-8000-${hex(this.size % KIDS, 12)}` });
  }

  async checkpoint(): Promise<void> {
    const counters = countersFile(new Map(this.#kids));
    this.#stateSeq = this.size;
    const digest = countersDigest(counters);
    this.#append('state', { detail: `{"counters":"${digest}","generation":1,"governed":false,"keys":${KIDS}}` });
    this.#append('manifest', { heads: true, detail: `{"governed":false,"state_seq":${this.#stateSeq}}` });
    this.#flush();
    const full = this.#tiles.take();
    for (const { tile, bytes } of full) {
      const path = join(this.#epoch, tilePath(tile));
      mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
      writeFileSync(path, bytes, { mode: 0o600 });
    }
    const body = { origin: ORIGIN, size: this.size, root: this.#frontier.root() };
    const note = await signCheckpoint(body, Math.floor((this.#start + this.#mono) / 1000), [this.#keys]);
    appendFileSync(join(this.#epoch, 'checkpoints.jsonl'), checkpointLine(this.size, note), { mode: 0o600 });
    writeFileSync(join(this.#epoch, 'checkpoint'), note, { mode: 0o600 });
    writeFileSync(join(this.#epoch, 'counters.json'), counters, { mode: 0o600 });
  }
}

async function fill(): Promise<number> {
  await ensureHome(deps, homePaths(home));
  const key = async (alg: 'ed25519' | 'ml-dsa-44') =>
    crypto.signature(alg).importSecret(await crypto.signature(alg).generate());
  const keys = { ed25519: await key('ed25519'), mlDsa44: await key('ml-dsa-44') };
  const log = new Writer(keys);
  const logFile = logFileBytes({
    storeId: '0123456789abcdef0123456789abcdef',
    base: 'bench.invalid',
    serviceKeys: { ed25519: new Uint8Array(32), ml_dsa_65: new Uint8Array(1952) },
    epochs: [{ n: 0, origin: ORIGIN, keys: [{ from: 0, vkeys: logVkeys(ORIGIN, keys) }] }],
  });
  writeFileSync(join(homePaths(home).audit, 'log.json'), logFile, { mode: 0o600 });
  log.init();
  while (log.size < records) {
    log.wrap();
    if (log.size % CHECKPOINT_EVERY === 0) await log.checkpoint();
  }
  await log.checkpoint();
  return log.size;
}

try {
  const begin = performance.now();
  const size = await fill();
  const segments = Array.from({ length: Math.ceil(size / 65_536) }, (_, n) =>
    join(homePaths(home).audit, 'e0/segments', segmentName(n)),
  );
  const bytes = segments.reduce((sum, file) => sum + statSync(file).size, 0);
  console.log(
    `${size} records, ${(bytes / 1e6).toFixed(0)} MB, made in ${((performance.now() - begin) / 1000).toFixed(0)} s`,
  );

  const env = { PATH: process.env['PATH'] ?? '/usr/bin:/bin', RONCTL_HOME: home, HOME: directory };
  const ronctl = [process.execPath, '--disable-sigusr1', '--no-addons', join(root, 'dist', 'cli', 'main.js')];
  const index = Math.floor(size / 3);
  const proof = join(directory, 'proof');
  const quick: readonly (readonly [string, readonly string[]])[] = [
    ['version', [...ronctl, 'version', '--json']],
    ['audit anchor (newest checkpoint)', [...ronctl, 'audit', 'anchor', '--json']],
    ['audit prove', [...ronctl, 'audit', 'prove', String(index), '--json']],
    ['audit prove --consistency', [...ronctl, 'audit', 'prove', '--consistency', String(index), '--json']],
    ['audit check-proof', [...ronctl, 'audit', 'check-proof', proof, '--json']],
  ];
  timed([...ronctl, 'audit', 'prove', String(index), '--out', proof], env);
  const times = new Map<string, Timed[]>(quick.map(([name]) => [name, []]));
  for (let round = 0; round < 15; round++) {
    for (const [name, argv] of quick) times.get(name)!.push(timed(argv, env));
  }
  const baseline = median(times.get('audit anchor (newest checkpoint)')!.map((one) => one.seconds));
  for (const [name, all] of times) {
    const wall = median(all.map((one) => one.seconds));
    console.log(
      `${name}: ${(wall * 1000).toFixed(1)} ms, ${((wall - baseline) * 1000).toFixed(1)} ms beyond the checkpoint`,
    );
  }

  const anchor = join(directory, 'anchor');
  writeFileSync(anchor, olderNote(Math.floor(size * 0.99)));
  const go = goProgram(directory, segments);
  const verify = [...ronctl, 'audit', 'verify'];
  const whole: readonly (readonly [string, readonly string[] | null])[] = [
    ['openssl dgst -sha256', ['openssl', 'dgst', '-sha256', ...segments]],
    ['sha256sum', ['sha256sum', ...segments]],
    ['Go x/mod sumdb/tlog', go],
    ['audit verify --fast', [...verify, '--fast']],
    ['audit verify', verify],
    ['audit verify --since-anchor (the last hundredth)', [...verify, '--since-anchor', anchor]],
  ];
  const long = new Map<string, Timed[]>(whole.map(([name]) => [name, []]));
  for (let round = 0; round < ROUNDS; round++) {
    for (const [name, argv] of whole) if (argv !== null) long.get(name)!.push(timed(argv, env));
  }
  const openssl = median(long.get('openssl dgst -sha256')!.map((one) => one.seconds));
  const goTimes = long.get('Go x/mod sumdb/tlog')!;
  for (const [name, all] of long) {
    if (all.length === 0) continue;
    const wall = median(all.map((one) => one.seconds));
    const peak = Math.max(...all.map((one) => one.megabytes ?? 0));
    const against =
      goTimes.length === 0 ? '' : `, ${(wall / median(goTimes.map((one) => one.seconds))).toFixed(2)}x Go`;
    console.log(
      `${name}: ${wall.toFixed(2)} s, ${Math.round(peak)} MB, ${(wall / openssl).toFixed(2)}x openssl${against}`,
    );
  }
} finally {
  rmSync(directory, { recursive: true, force: true });
}

/** The first listed note at or above a size. */
function olderNote(size: number): Uint8Array {
  const list = nodeFiles().read(join(homePaths(home).audit, 'e0/checkpoints.jsonl'), 2 ** 31)!;
  for (const line of Buffer.from(list).toString().trimEnd().split('\n')) {
    const { size: signed, note_b64 } = JSON.parse(line) as { size: number; note_b64: string };
    if (signed >= size) return Buffer.from(note_b64, 'base64');
  }
  throw new Error('no checkpoint');
}
