// Sinks of a server under load (log page 4.11, GOV-19): how long after its record is synced a signature is at an HTTP sink of this
// machine (target: 1 s), and what the sink costs the service: signatures a second with it over those without, in turn on one
// server after the other.
// Run: npm run build && node bench/audit-export.ts [--seconds 5] [--connections 12]

import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { post, RawConnection } from './raw-http.ts';

const { values } = parseArgs({
  options: { seconds: { type: 'string', default: '5' }, connections: { type: 'string', default: '12' } },
});
const SECONDS = Number(values.seconds);
const CONNECTIONS = Number(values.connections);
const root = fileURLToPath(new URL('..', import.meta.url)).replace(/\/$/, '');
const directory = mkdtempSync(join(tmpdir(), 'ronctl-export-'));
const ronctl = join(root, 'bin', 'ronctl');
const env = {
  PATH: process.env['PATH'] ?? '/usr/bin:/bin',
  HOME: directory,
  RONCTL_HOME: join(directory, 'home'),
  RON_KMS_SIGN_RATE_LIMIT: '1000000',
  RON_KMS_AUDIT_TENANT_BYTES_PER_S: '1000GB',
  RON_KMS_LOG_LEVEL: 'warn',
};
const passphrase = join(directory, 'store.pass');
writeFileSync(passphrase, 'bench store\n', { mode: 0o600 });

function run(...argv: readonly string[]): Record<string, unknown> {
  const all = [...argv, '--passphrase-file', passphrase, '--json'];
  const done = spawnSync(ronctl, all, { env, cwd: directory, encoding: 'utf8' });
  if (done.status !== 0) throw new Error(`ronctl ${argv.join(' ')}: ${done.status}\n${done.stdout}${done.stderr}`);
  return (JSON.parse(done.stdout) as { data: Record<string, unknown> }).data;
}

const delays: number[] = [];
const sink = createServer((request, reply) => {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    const now = Date.now();
    for (const [, ts] of Buffer.concat(chunks)
      .toString()
      .matchAll(/\\"op\\":\\"sign\\".*\\"ts\\":\\"([^\\]+)\\"/g)) {
      delays.push(now - Date.parse(ts ?? ''));
    }
    reply.writeHead(204).end();
  });
});

async function startServer(sinks: string): Promise<{ readonly child: ChildProcess; readonly socket: string }> {
  const child = spawn(ronctl, ['kms', 'serve', '--passphrase-file', passphrase, '--json'], {
    env: { ...env, ...(sinks === '' ? {} : { RON_KMS_AUDIT_SINKS: sinks }) },
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
  return { child, socket: (JSON.parse(text.slice(0, text.indexOf('\n'))) as { data: { socket: string } }).data.socket };
}

/** Signatures a second. */
async function load(kid: string, token: string, sinks: string): Promise<number> {
  const { child, socket } = await startServer(sinks);
  const body = { kid_or_set: { kid }, payload_b3: 'ab'.repeat(32) };
  const request = post('/v1/kms/sign', token, body);
  let count = 0;
  const end = performance.now() + SECONDS * 1000;
  const one = async (): Promise<void> => {
    const connection = await RawConnection.open({ path: socket });
    while (performance.now() < end) {
      const { status, body: answer } = await connection.send(request);
      if (status !== 200) throw new Error(`${status} ${answer.toString('utf8')}`);
      count += 1;
    }
    connection.close();
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, one));
  child.kill('SIGTERM');
  await once(child, 'exit');
  return count / SECONDS;
}

try {
  await new Promise<void>((resolve) => sink.listen(0, '127.0.0.1', resolve));
  const web = `web=http://127.0.0.1:${(sink.address() as AddressInfo).port}/`;
  run('init', '--profile', 'dev');
  const key = ['--tenant', 'acme', '--purpose', 'bench', '--alg', 'ed25519', '--new-tenant'];
  const kid = (run('kms', 'create', ...key)['kid'] as string).replace(/#v\d+$/, '');
  const cap = join(directory, 'cap');
  run('cap', 'mint', '--tenant', 'acme', '--scope', 'sign', '--expires', '15m', '--out', cap);
  const token = readFileSync(cap, 'utf8').trim();
  const rates = { without: [] as number[], with: [] as number[] };
  for (let round = 0; round < 3; round++) {
    rates.without.push(await load(kid, token, ''));
    // What came meanwhile is caught up with first, and is no measure of the delay.
    await load(kid, token, web);
    delays.length = 0;
    rates.with.push(await load(kid, token, web));
  }
  const middle = (all: readonly number[]): number => all.toSorted((a, b) => a - b)[Math.floor(all.length / 2)] ?? 0;
  const sorted = delays.toSorted((a, b) => a - b);
  const at = (share: number): string => `${sorted[Math.floor((sorted.length - 1) * share)] ?? 0} ms`;
  console.log(
    `delay of a record   p50 ${at(0.5)}, p95 ${at(0.95)}, most ${at(1)} (${sorted.length} records; target 1000 ms)`,
  );
  console.log(
    `signatures a second ${middle(rates.without).toFixed(0)} without, ${middle(rates.with).toFixed(0)} with a sink`,
  );
  console.log(`ratio               ${(middle(rates.with) / middle(rates.without)).toFixed(2)}`);
} finally {
  sink.close();
  rmSync(directory, { recursive: true, force: true });
}
