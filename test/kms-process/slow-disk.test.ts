// A server on a slow disk, whose syncs take from 100 ms to seconds: nothing is answered that is not in the log, what cannot be
// written in time is refused, no queue grows without end, a revoked token is refused at once, the end comes in bounded time.

import { randomUUID } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it, onTestFinished } from 'vitest';
import { TestHome } from '../support/binary.ts';
import {
  ALL_OF_A_TENANT,
  auditRecords,
  http,
  lostAndDoubled,
  metric,
  mintToken,
  type Server,
  startLoad,
  startServer,
} from '../support/server.ts';

const QUEUE = 30;
const PAYLOAD = '0'.repeat(64);

interface Slow {
  readonly home: TestHome;
  readonly server: Server;
  /** From now on every sync takes as long. */
  readonly syncsTake: (ms: number) => void;
}

async function slowServer(): Promise<Slow> {
  const home = new TestHome();
  onTestFinished(() => home.remove());
  await home.json(['init', '--profile', 'dev', '--passphrase-file', home.passphrase('store')]);
  const control = home.file('sync.ms');
  const syncsTake = (ms: number): void => writeFileSync(control, `${ms}`);
  syncsTake(0);
  const env = { SLOW_DISK: control, RON_KMS_AUDIT_QUEUE: `${QUEUE}`, RON_KMS_SIGN_RATE_LIMIT: '1000000' };
  const server = await startServer(home, ['--log-level', 'error'], { entry: 'slow-disk.ts', env });
  return { home, server, syncsTake };
}

async function keyOf(server: Server, token: string, alg: string): Promise<string> {
  const body = { tenant: 'acme', purpose: 'load', alg, new_tenant: true };
  const answer = await http(server.ready.socket!, { path: '/v1/kms/keys', token, body });
  return (JSON.parse(answer.body) as { readonly kid: string }).kid.replace(/#v\d+$/, '');
}

const idOf = (token: string): string =>
  /"id":"([0-9a-f-]{36})"/.exec(Buffer.from(token, 'base64url').toString('latin1'))![1]!;

const readyz = async (server: Server): Promise<{ readonly missing: string[]; readonly degraded: string[] }> =>
  JSON.parse((await http(server.ready.metrics_addr, { path: '/readyz' })).body) as {
    readonly missing: string[];
    readonly degraded: string[];
  };

const depthOf = async (server: Server): Promise<number> =>
  metric((await http(server.ready.metrics_addr, { path: '/metrics' })).body, 'kms_audit_queue_depth')!;

async function eventually(condition: () => Promise<boolean>): Promise<void> {
  for (let n = 0; n < 400; n++) {
    if (await condition()) return;
    await new Promise((done) => setTimeout(done, 50));
  }
  throw new Error('it did not come about in 20 s');
}

describe('a slow disk', () => {
  it('refuses what it cannot write in time, loses nothing that it answered, revokes at once, ends in time', async () => {
    const { home, server, syncsTake } = await slowServer();
    const socket = server.ready.socket!;
    const operator = readFileSync(server.ready.operator_cap!, 'utf8').trim();
    const token = await mintToken(server, 'acme', ALL_OF_A_TENANT);
    const doomed = await mintToken(server, 'acme', ALL_OF_A_TENANT);
    const keys = { sign: await keyOf(server, token, 'ed25519'), wrap: await keyOf(server, token, 'hybrid-kem') };
    const signed = await http(socket, {
      path: '/v1/kms/sign',
      token,
      body: { kid_or_set: { kid: keys.sign }, payload_b3: PAYLOAD },
    });
    const { sigs, kid } = JSON.parse(signed.body) as { readonly sigs: readonly object[]; readonly kid: string };
    const load = startLoad(socket, token, keys, { senders: 40 });
    await eventually(async () => load.acknowledged.length > 100);

    // 60 ms each, two for a batch: late, and durable.
    syncsTake(60);
    const before = load.acknowledged.length;
    await eventually(async () => load.acknowledged.length > before + 10);

    // Beyond the 200 ms that a record may take: refused, and readiness says so.
    syncsTake(300);
    await eventually(async () => (load.others.get(503) ?? 0) > 10);
    const { missing, degraded } = await readyz(server);
    expect([...missing, ...degraded]).toContain('audit_ready');
    syncsTake(1000);
    await eventually(async () => (await depthOf(server)) >= QUEUE);
    const refused = await http(socket, {
      path: '/v1/kms/sign',
      token,
      body: { kid_or_set: { kid: keys.sign }, payload_b3: PAYLOAD },
    });
    expect([429, 503]).toContain(refused.status);
    expect(refused.headers['retry-after']).toBe('5');
    // Records of the service itself come on top.
    expect(await depthOf(server)).toBeLessThanOrEqual(QUEUE + 5);
    const body = { payload_b3: PAYLOAD, sigs, kid_or_set: { kid } };
    const verified = await http(socket, { path: '/v1/kms/verify', token, body });
    expect(JSON.parse(verified.body)).toMatchObject({ ok: true });

    // The token is refused long before its revocation is on disk.
    const order: string[] = [];
    const revoked = http(socket, {
      path: '/v1/kms/caps/revoke',
      token: operator,
      body: { id: idOf(doomed), op_id: randomUUID() },
    }).then(({ status, headers, body }) => {
      const { message } = (JSON.parse(body) as { readonly error?: { readonly message: string } }).error ?? {};
      order.push(`revoke ${status} ${String(headers['retry-after'] ?? '')} ${message ?? ''}`);
    });
    await eventually(async () => (await http(socket, { path: '/v1/kms/keys', token: doomed })).status === 401);
    order.push('token refused');
    await revoked;
    const answered =
      /^revoke (200 {2}|504 5 the operation was not finished within 4\.5 s; this server refuses the token)/;
    expect(order).toEqual(['token refused', expect.stringMatching(answered) as unknown]);

    // The last checkpoint alone would take longer than the end may.
    expect(await server.stop()).toBe(143);
    await load.stop();
    expect([...load.others.keys()].filter((status) => ![0, 429, 503, 504].includes(status))).toEqual([]);

    // What the next start finds.
    syncsTake(0);
    const again = await startServer(home);
    expect((await readyz(again)).missing).toEqual([]);
    expect(await again.stop()).toBe(0);
    expect(lostAndDoubled(load.acknowledged, auditRecords(home))).toEqual({ lost: [], doubled: [] });
    expect((await home.json<{ readonly verdict: string }>(['audit', 'verify'])).data?.verdict).toBe('consistent');
  });
});
