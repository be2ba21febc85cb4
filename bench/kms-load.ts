// The server under load (performance page, section 4), the durable audit append switched on: closed loops at 12 and 32
// connections, an open loop at 70 % of what the closed one gave, and the mixes of the issue and of the performance page.
// Prints throughput, p50, p95, p99, the memory of the server, and where the time of a request goes. The generator runs on the
// same cores, over the Unix socket. Targets: 1.5 times the reference; p95 of sign Ed25519 at most 1.5 ms at 12 connections.
// Run: npm run build && node bench/kms-load.ts [--seconds 5] [--minutes 10 (flat memory)] [--tcp] [--only TEXT] [--dir DIR] [--json FILE]
// With --fair: what tenant B with ten times the connections does to the p95 of tenant A (issue: at most 2x), under the limits
// of a fresh configuration and with the limits out of the way; B works in every other quarter of a second.

import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Worker } from 'node:worker_threads';
import type { Loaded, LoadOfOne } from './one-tenant.ts';
import { get, post, RawConnection, type Target } from './raw-http.ts';

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '5' },
    minutes: { type: 'string' },
    fair: { type: 'boolean', default: false },
    tenants: { type: 'string', default: '2' },
    tcp: { type: 'boolean', default: false },
    only: { type: 'string' },
    dir: { type: 'string' },
    wrk: { type: 'boolean', default: true },
    json: { type: 'string' },
  },
});
const SECONDS = Number(values.seconds);
const TENANTS = Array.from({ length: Number(values.tenants) }, (_, n) => `tenant-${n + 1}`);

const root = fileURLToPath(new URL('..', import.meta.url)).replace(/\/$/, '');
const directory = mkdtempSync(join(values.dir ?? tmpdir(), 'ronctl-load-'));
const home = join(directory, 'home');
/** Limits out of the way: what is measured is the service. */
const LIMITS = {
  RON_KMS_SIGN_RATE_LIMIT: '1000000',
  RON_KMS_AUDIT_TENANT_BYTES_PER_S: '1000GB',
  RON_KMS_LOG_LEVEL: 'warn',
};
const env = { PATH: process.env['PATH'] ?? '/usr/bin:/bin', HOME: directory, RONCTL_HOME: home };

function ronctl(...argv: readonly string[]): void {
  const done = spawnSync(join(root, 'bin', 'ronctl'), [...argv, '--json'], { env, cwd: directory, encoding: 'utf8' });
  if (done.status !== 0) throw new Error(`ronctl ${argv.join(' ')}: ${done.status}\n${done.stdout}${done.stderr}`);
}

const pass = (name: string): string => {
  const file = join(directory, `${name}.pass`);
  writeFileSync(file, `bench ${name}\n`, { mode: 0o600 });
  return file;
};

interface Ready {
  readonly pid: number;
  readonly socket: string;
  readonly addr: string;
  readonly metrics_addr: string;
}

type Running = { readonly child: ChildProcess; readonly ready: Ready };

async function startServer(limits: Readonly<Record<string, string>>): Promise<Running> {
  const child = spawn(join(root, 'bin', 'ronctl'), ['kms', 'serve', '--passphrase-file', pass('store'), '--json'], {
    env: { ...env, ...limits },
    cwd: directory,
    stdio: ['ignore', 'pipe', openSync(join(directory, 'server.log'), 'a', 0o600)],
  });
  let text = '';
  const { stdout } = child;
  stdout!.setEncoding('utf8');
  for await (const chunk of stdout!) {
    text += chunk as string;
    if (text.includes('\n')) break;
  }
  const envelope = JSON.parse(text.slice(0, text.indexOf('\n'))) as { readonly ok: boolean; readonly data: Ready };
  if (!envelope.ok) throw new Error(text);
  return { child, ready: envelope.data };
}

const kb = (pid: number, name: 'VmRSS' | 'VmHWM'): number =>
  Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0);

/** CPU ms of a process, user and system. */
function cpuMs(pid: number): number {
  const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

interface Measured {
  readonly name: string;
  readonly connections: number;
  readonly perSecond: number;
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  readonly failed: number;
  readonly byOp: Readonly<Record<string, { readonly count: number; readonly p95: number }>>;
}

const percentile = (sorted: Float64Array, part: number): number =>
  sorted.at(Math.min(sorted.length - 1, Math.floor(sorted.length * part))) ?? 0;

/** Latencies in ms, kept in one array per operation. */
class Latencies {
  readonly #of = new Map<string, number[]>();
  failed = 0;

  add(op: string, ms: number): void {
    const list = this.#of.get(op);
    if (list === undefined) this.#of.set(op, [ms]);
    else list.push(ms);
  }

  result(name: string, connections: number, seconds: number): Measured {
    const all = Float64Array.from([...this.#of.values()].flat()).sort();
    const byOp = Object.fromEntries(
      [...this.#of].map(([op, list]) => {
        const sorted = Float64Array.from(list).sort();
        return [op, { count: list.length, p95: percentile(sorted, 0.95) }];
      }),
    );
    return {
      name,
      connections,
      perSecond: all.length / seconds,
      p50: percentile(all, 0.5),
      p95: percentile(all, 0.95),
      p99: percentile(all, 0.99),
      failed: this.failed,
      byOp,
    };
  }
}

interface Step {
  readonly op: string;
  readonly request: Buffer;
}

/** An element that is there. */
function at<T>(list: readonly T[], index: number): T {
  const found = list.at(index);
  if (found === undefined) throw new Error(`no element ${index}`);
  return found;
}

const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

async function closedLoop(name: string, target: Target, steps: readonly Step[], connections: number, seconds: number) {
  const latencies = new Latencies();
  const end = performance.now() + seconds * 1000;
  const open = await Promise.all(Array.from({ length: connections }, () => RawConnection.open(target)));
  const begin = performance.now();
  await Promise.all(
    open.map(async (connection, offset) => {
      for (let n = offset * 7; performance.now() < end; n++) {
        const { op, request } = at(steps, n % steps.length);
        const since = performance.now();
        const { status } = await connection.send(request);
        if (status === 200) latencies.add(op, performance.now() - since);
        else latencies.failed += 1;
      }
      connection.close();
    }),
  );
  return latencies.result(name, connections, (performance.now() - begin) / 1000);
}

/** Requests begin when they are due, whether earlier ones are answered or not: a queue shows in the latency. */
async function openLoop(name: string, target: Target, steps: readonly Step[], perSecond: number, seconds: number) {
  const latencies = new Latencies();
  const free = await Promise.all(Array.from({ length: 64 }, () => RawConnection.open(target)));
  const all = [...free];
  const waiting: { readonly step: Step; readonly dueMs: number }[] = [];
  const begin = performance.now();
  const send = async (connection: RawConnection, step: Step, dueMs: number): Promise<void> => {
    const { status } = await connection.send(step.request);
    if (status === 200) latencies.add(step.op, performance.now() - dueMs);
    else latencies.failed += 1;
    const next = waiting.shift();
    if (next === undefined) free.push(connection);
    else void send(connection, next.step, next.dueMs);
  };
  let sent = 0;
  while (performance.now() - begin < seconds * 1000) {
    const due = Math.floor(((performance.now() - begin) / 1000) * perSecond);
    for (; sent < due; sent++) {
      const step = at(steps, sent % steps.length);
      const dueMs = begin + (sent / perSecond) * 1000;
      const connection = free.pop();
      if (connection === undefined) waiting.push({ step, dueMs });
      else void send(connection, step, dueMs);
    }
    await wait(1);
  }
  for (let n = 0; n < 500 && (free.length < all.length || waiting.length > 0); n++) await wait(10);
  for (const connection of all) connection.close();
  return latencies.result(name, 64, seconds);
}

interface Keys {
  readonly tenant: string;
  readonly token: string;
  readonly ed25519: string;
  readonly mlDsa: string;
  readonly kem: string;
}

const B3 = 'd74981efa70a0c880b8d8c1985d075dbcbf679b99a5f9914e5aaf96b831a9e24';

async function prepare(target: Target, tenant: string): Promise<Keys> {
  const out = join(directory, `${tenant}.cap`);
  const scopes = ['read', 'rotate', 'sign', 'unwrap', 'verify', 'wrap'].flatMap((scope) => ['--scope', scope]);
  const mint = ['cap', 'mint', '--tenant', tenant, ...scopes, '--new-tenant', '--expires', '24h', '--out', out];
  ronctl(...mint, '--passphrase-file', pass('store'));
  const token = readFileSync(out, 'utf8').trim();
  const connection = await RawConnection.open(target);
  const make = async (alg: string): Promise<string> => {
    const { status, body } = await connection.send(
      post('/v1/kms/keys', token, { tenant, purpose: 'load', alg, new_tenant: true }),
    );
    if (status !== 200) throw new Error(body.toString());
    return (JSON.parse(body.toString()) as { readonly kid: string }).kid.replace(/#v\d+$/, '');
  };
  const keys = {
    tenant,
    token,
    ed25519: await make('ed25519'),
    mlDsa: await make('ml-dsa'),
    kem: await make('hybrid-kem'),
  };
  connection.close();
  return keys;
}

const signStep = (keys: Keys, kid: string, op: string): Step => ({
  op,
  request: post('/v1/kms/sign', keys.token, { kid_or_set: { kid }, payload_b3: B3 }),
});

const wrapStep = (keys: Keys): Step => ({
  op: 'wrap',
  request: post('/v1/kms/wrap', keys.token, { kid: keys.kem, size: 32 }),
});

async function verifyStep(target: Target, keys: Keys): Promise<Step> {
  const connection = await RawConnection.open(target);
  const { body } = await connection.send(signStep(keys, keys.ed25519, '').request);
  connection.close();
  const { sigs, kid } = JSON.parse(body.toString()) as { readonly sigs: unknown; readonly kid: string };
  return {
    op: 'verify',
    request: post('/v1/kms/verify', keys.token, { payload_b3: B3, sigs, kid_or_set: { kid } }),
  };
}

/** `of` in the given parts of ten, spread. */
function mix(parts: readonly (readonly [step: Step, tenths: number])[]): readonly Step[] {
  const steps = parts.flatMap(([step, tenths]) => Array.from({ length: tenths }, () => step));
  return steps.map((_, n) => at(steps, (n * 7) % steps.length));
}

const interleaved = (of: readonly (readonly Step[])[]): readonly Step[] =>
  (of[0] ?? []).flatMap((_, n) => of.map((steps) => at(steps, n)));

/** Sums of the histograms of a metrics page, in seconds, by series. */
async function sums(target: Target): Promise<ReadonlyMap<string, number>> {
  const connection = await RawConnection.open(target);
  const { body } = await connection.send(get('/metrics'));
  connection.close();
  const out = new Map<string, number>();
  for (const line of body.toString().split('\n')) {
    const match = /^(\w+)_(sum|count)(\{[^}]*\})? (\S+)$/.exec(line);
    if (match !== null) out.set(`${match[1]}_${match[2]}${match[3] ?? ''}`, Number(match[4]));
  }
  return out;
}

function share(
  before: ReadonlyMap<string, number>,
  after: ReadonlyMap<string, number>,
  cpu: number,
): readonly string[] {
  const grown = (pattern: RegExp): number =>
    [...after]
      .filter(([name]) => pattern.test(name))
      .reduce((sum, [name, value]) => sum + value - (before.get(name) ?? 0), 0);
  const requests = grown(/^request_latency_seconds_count\{route="\/v1\/kms/);
  if (requests === 0) return [];
  const us = (seconds: number): string => `${((seconds * 1e6) / requests).toFixed(0)} us`;
  const request = grown(/^request_latency_seconds_sum\{route="\/v1\/kms/);
  const service = grown(/^kms_latency_seconds_sum/);
  const crypto = grown(/^crypto_latency_seconds_sum/);
  return [
    `request ${us(request)}`,
    `of it outside the service ${us(request - service)}`,
    `cryptography ${us(crypto)}`,
    `log and the rest of the service ${us(service - crypto)}`,
    `cpu ${((cpu * 1000) / requests).toFixed(0)} us`,
  ];
}

const results: Measured[] = [];

function print({ name, connections, perSecond, p50, p95, p99, failed, byOp }: Measured, target?: number): void {
  const ops =
    Object.keys(byOp).length > 1 ? Object.entries(byOp).map(([op, one]) => `${op} p95 ${one.p95.toFixed(2)}`) : [];
  const judged = target === undefined ? '' : `  ${(perSecond / target).toFixed(2)}x of the target ${target}`;
  process.stdout.write(
    `${name.padEnd(34)}${String(connections).padStart(4)}${perSecond.toFixed(0).padStart(9)}/s` +
      `  p50 ${p50.toFixed(2)}  p95 ${p95.toFixed(2)}  p99 ${p99.toFixed(2)} ms${failed === 0 ? '' : `  ${failed} FAILED`}${judged}` +
      `${ops.length === 0 ? '' : `\n${' '.repeat(40)}${ops.join(', ')}`}\n`,
  );
}

async function flatMemory(target: Target, pid: number, steps: readonly Step[], minutes: number): Promise<void> {
  process.stdout.write(`memory of the server over ${minutes} minutes of the mix, MiB\n`);
  const seen: number[] = [];
  for (let n = 0; n < minutes * 4; n++) {
    const measured = await closedLoop('mix', target, steps, 12, 15);
    seen.push(kb(pid, 'VmRSS') / 1024);
    process.stdout.write(
      `${((n + 1) / 4).toFixed(2).padStart(6)} min  rss ${at(seen, -1).toFixed(0)}  ${measured.perSecond.toFixed(0)}/s  p95 ${measured.p95.toFixed(2)} ms\n`,
    );
  }
  const half = seen.slice(Math.floor(seen.length / 2));
  process.stdout.write(
    `start ${at(seen, 0).toFixed(0)}, end ${at(seen, -1).toFixed(0)}, highest ${Math.max(...seen).toFixed(0)}; ` +
      `second half between ${Math.min(...half).toFixed(0)} and ${Math.max(...half).toFixed(0)}\n`,
  );
}

/** `wrk` on sign Ed25519 over TCP, where it is installed. */
function wrk(addr: string, step: Step): void {
  if (!values.wrk || spawnSync('wrk', ['-v']).error !== undefined) {
    process.stdout.write('wrk: not installed\n');
    return;
  }
  const [head, body] = step.request.toString().split('\r\n\r\n');
  const token = /Bearer (\S+)/.exec(head ?? '')?.[1] ?? '';
  const script = join(directory, 'sign.lua');
  writeFileSync(
    script,
    `wrk.method = "POST"\nwrk.body = ${JSON.stringify(body)}\nwrk.headers["Content-Type"] = "application/json"\nwrk.headers["Authorization"] = "Bearer ${token}"\n`,
  );
  const done = spawnSync(
    'wrk',
    ['-t1', '-c12', `-d${SECONDS}s`, '--latency', '-s', script, `http://${addr}/v1/kms/sign`],
    {
      encoding: 'utf8',
    },
  );
  process.stdout.write(`wrk, sign Ed25519 over TCP:\n${done.stdout}`);
}

async function main(): Promise<void> {
  for (const name of ['a', 'b']) ronctl('signer', 'create', name, '--passphrase-file', pass(name));
  ronctl('init', '--profile', 'dev', '--passphrase-file', pass('store'));
  // Phase 0, so that a key has one track: the reference figures are about one signature.
  const opens = ['a', 'b', 'store'].flatMap((name) => ['--passphrase-file', `${name}=${pass(name)}`]);
  ronctl(
    'governance',
    'init',
    '--members',
    'policy-owner=a,security-officer=b',
    '--threshold',
    '2',
    '--set',
    'pq_mode=off',
    '--set',
    'caps.max_ttl_s=86400',
    ...opens,
  );
  if (values.fair) {
    await withServer({ RON_KMS_LOG_LEVEL: 'warn' }, (ready) => fairShare('default limits', PACE_MS, ready));
    await withServer(LIMITS, (ready) => fairShare('limits wide open', 0, ready));
  } else await withServer(LIMITS, measure);
}

async function withServer(limits: Readonly<Record<string, string>>, use: (ready: Ready) => Promise<void>) {
  const { child, ready } = await startServer(limits);
  try {
    await use(ready);
  } finally {
    child.kill('SIGTERM');
    await once(child, 'exit');
  }
}

const targetOf = (ready: Ready): Target =>
  values.tcp ? { host: '127.0.0.1', port: Number(ready.addr.split(':')[1]) } : { path: ready.socket };

async function loadOf(load: LoadOfOne): Promise<Loaded> {
  const worker = new Worker(new URL('./one-tenant.ts', import.meta.url), { workerData: load });
  const [loaded] = (await once(worker, 'message')) as [Loaded];
  return loaded;
}

/** Under the default limits, which allow 500 operations a second to all. */
const PACE_MS = 20;
const TIMES = 10;
const SLICE_MS = 250;

async function fairShare(limits: string, everyMs: number, ready: Ready): Promise<void> {
  const target = targetOf(ready);
  const [a, b] = await Promise.all(['a', 'b'].map((tenant) => prepare(target, `${tenant}-${everyMs}`)));
  if (a === undefined || b === undefined) throw new Error('two tenants are needed');
  const kinds: readonly (readonly [name: string, steps: (keys: Keys) => Promise<readonly Step[]>])[] = [
    ['sign Ed25519', async (keys) => [signStep(keys, keys.ed25519, 'sign')]],
    ['sign ML-DSA-65', async (keys) => [signStep(keys, keys.mlDsa, 'sign')]],
    ['verify, cache hit', async (keys) => [await verifyStep(target, keys)]],
    [
      'mixed 70/20/10 sign, verify, wrap',
      async (keys) =>
        mix([
          [signStep(keys, keys.ed25519, 'sign'), 7],
          [await verifyStep(target, keys), 2],
          [wrapStep(keys), 1],
        ]),
    ],
  ];
  const pace = everyMs === 0 ? 'as fast as they can' : `one request per ${everyMs} ms and connection`;
  process.stdout.write(
    `${limits}, ${pace}: p95 of tenant A alone, and with tenant B at ${TIMES} times its connections\n`,
  );
  for (const [name, stepsOf] of kinds) {
    if (values.only !== undefined && !name.includes(values.only)) continue;
    const own = (await stepsOf(a)).map(({ request }) => request);
    const other = (await stepsOf(b)).map(({ request }) => request);
    for (const connections of [1, 2]) {
      const common = { target, beginMs: Date.now() + 500, seconds: SECONDS, sliceMs: SLICE_MS, everyMs };
      const [quiet, busy] = await Promise.all([
        loadOf({ ...common, requests: own, connections, everyOther: false }),
        loadOf({ ...common, requests: other, connections: connections * TIMES, everyOther: true }),
      ]);
      printShare(name, connections, quiet, busy);
    }
  }
}

function printShare(name: string, connections: number, quiet: Loaded, busy: Loaded): void {
  const alone = Float64Array.from(quiet.even).sort();
  const beside = Float64Array.from(quiet.odd).sort();
  const at50 = [percentile(alone, 0.5), percentile(beside, 0.5)] as const;
  const at95 = [percentile(alone, 0.95), percentile(beside, 0.95)] as const;
  const refused = ({ others }: Loaded): string =>
    [...others].map(([status, count]) => `, ${count} of ${status}`).join('');
  process.stdout.write(
    `${name.padEnd(34)}${String(connections).padStart(3)}  p50 ${at50[0].toFixed(2)} -> ${at50[1].toFixed(2)}` +
      `  p95 ${at95[0].toFixed(2)} -> ${at95[1].toFixed(2)} ms  ratio of p95 ${(at95[1] / at95[0]).toFixed(2)}` +
      `   A ${alone.length} -> ${beside.length} answers${refused(quiet)}; B ${busy.odd.length}${refused(busy)}\n`,
  );
}

async function measure(ready: Ready): Promise<void> {
  const target = targetOf(ready);
  const metrics: Target = { host: '127.0.0.1', port: Number(ready.metrics_addr.split(':')[1]) };
  const rss = [kb(ready.pid, 'VmRSS')];
  const keys = await Promise.all(TENANTS.map((tenant) => prepare(target, tenant)));
  const verify = await Promise.all(keys.map((one) => verifyStep(target, one)));
  const perTenant = (make: (keys: Keys, verify: Step) => readonly Step[]): readonly Step[] =>
    interleaved(keys.map((one, n) => make(one, at(verify, n))));
  const ed = perTenant((one) => [signStep(one, one.ed25519, 'sign')]);
  const rows: readonly (readonly [name: string, steps: readonly Step[], target: number])[] = [
    ['sign Ed25519', ed, 1.5 * 11_500],
    ['sign ML-DSA-65', perTenant((one) => [signStep(one, one.mlDsa, 'sign')]), 1.5 * 1800],
    ['verify, cache hit', perTenant((_, step) => [step]), 1.5 * 18_000],
    ['wrap', perTenant((one) => [wrapStep(one)]), 1.5 * 3200],
    [
      'mixed 70/20/10 sign, verify, ML-DSA',
      perTenant((one, step) =>
        mix([
          [signStep(one, one.ed25519, 'sign'), 7],
          [step, 2],
          [signStep(one, one.mlDsa, 'sign ML-DSA'), 1],
        ]),
      ),
      1.5 * 6000,
    ],
    [
      'mixed 70/20/10 sign, verify, wrap',
      perTenant((one, step) =>
        mix([
          [signStep(one, one.ed25519, 'sign'), 7],
          [step, 2],
          [wrapStep(one), 1],
        ]),
      ),
      1.5 * 6000,
    ],
  ];
  if (values.minutes !== undefined) {
    await flatMemory(target, ready.pid, at(rows, -1)[1], Number(values.minutes));
    return;
  }
  await closedLoop('warm-up', target, at(rows, 0)[1], 12, 2);
  for (const [name, steps, wanted] of rows) {
    if (values.only !== undefined && !name.includes(values.only)) continue;
    for (const connections of [12, 32]) {
      const before = [await sums(metrics), cpuMs(ready.pid)] as const;
      const measured = await closedLoop(name, target, steps, connections, SECONDS);
      const cpu = cpuMs(ready.pid) - before[1];
      results.push(measured);
      print(measured, wanted);
      if (connections === 12)
        process.stdout.write(`${' '.repeat(40)}${share(before[0], await sums(metrics), cpu).join(', ')}\n`);
      rss.push(kb(ready.pid, 'VmRSS'));
    }
  }
  const mixed = results.at(-1);
  if (mixed === undefined) return;
  const open = await openLoop(
    'open loop, 70 % of the last mix',
    target,
    at(rows, -1)[1],
    mixed.perSecond * 0.7,
    SECONDS,
  );
  results.push(open);
  print(open);
  wrk(ready.addr, at(ed, 0));
  const mib = (one: number): string => (one / 1024).toFixed(0);
  process.stdout.write(
    `server memory MiB: start ${mib(at(rss, 0))}, end ${mib(kb(ready.pid, 'VmRSS'))}, highest ${mib(kb(ready.pid, 'VmHWM'))} (target 512)\n`,
  );
  if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(results, null, 2)}\n`);
}

try {
  await main();
} finally {
  rmSync(directory, { recursive: true, force: true });
}
