// A real server at its loosest settings, driven through everything: nothing that it writes, exports or publishes holds a
// passphrase, a token, a payload, a key, a signature or a kid; the documented metrics and lines are there.

import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { ALERTS } from '../../src/kms-api/alert-rules.ts';
import { parseExposition } from '../../src/kms-api/exposition.ts';
import { LOG_FIELDS } from '../../src/kms-api/log-fields.ts';
import { zeroSeries } from '../../src/kms-api/metric-row.ts';
import { METRIC_ROWS } from '../../src/kms-api/metrics.ts';
import { temporaryHome } from '../support/binary.ts';
import { makeStore } from '../support/floor-home.ts';
import { parseQuery } from '../support/promql.ts';
import { ALL_OF_A_TENANT, http, metric, mintToken, type Server, startServer } from '../support/server.ts';

const MARK = 'marker-that-nobody-may-see';
const LOOSEST = {
  RON_KMS_LOG_LEVEL: 'trace',
  RON_KMS_REDACT_LEVEL: 'none',
  RON_KMS_LOG_INPUTS: 'true',
};

interface Made {
  readonly kid: string;
}

/** Everything that the server may be asked, good and bad, as a client of its own and through the commands. */
async function driveEverything(
  server: Server,
  home: ReturnType<typeof temporaryHome>,
): Promise<Record<string, string>> {
  const socket = server.ready.socket!;
  const token = await mintToken(server, 'acme', ALL_OF_A_TENANT);
  home.write('acme.cap', `${token}\n`);
  home.write('payload.txt', `${MARK} in a payload\n`);
  home.write('plain.bin', `${MARK} in a key`);
  const online = ['--kms', 'local', '--token-file', 'acme.cap'];
  const create = (alg: string): string[] => ['kms', 'create', '--tenant', 'acme', '--purpose', 'p', '--alg', alg];
  const signing = (await home.json<Made>([...create('hybrid'), ...online])).data!.kid;
  const wrapping = (await home.json<Made>([...create('hybrid-kem'), ...online])).data!.kid;
  await home.json(['kms', 'sign', signing, '--file', 'payload.txt', '--out', 'payload.sig', ...online]);
  await home.json(['kms', 'verify', '--file', 'payload.txt', '--sig', 'payload.sig', ...online]);
  await home.json(['kms', 'wrap', wrapping, '--file', 'plain.bin', '--out', 'wrapped', ...online]);
  await home.json(['kms', 'unwrap', wrapping, '--file', 'wrapped', '--out', 'opened', ...online]);
  await home.json(['kms', 'rotate', signing.split('#')[0]!, ...online]);
  await home.json(['audit', 'checkpoint', '--kms', 'local']);

  const bad = (path: string, body: unknown, bearer = token): Promise<unknown> =>
    http(socket, { path: `/v1/kms${path}`, token: bearer, body });
  await bad('/sign', { kid_or_set: { kid: signing }, payload_b3: MARK });
  await bad('/sign', { [MARK]: 1 });
  await bad('/sign', { kid_or_set: { kid: `${MARK}/p/hybrid/${randomUUID()}` }, payload_b3: 'ab'.repeat(32) });
  await bad('/unwrap', { kid: wrapping, wrapped_b64: Buffer.from(MARK).toString('base64') });
  await bad('/sign', {}, `${token.slice(0, -4)}AAAA`);
  await bad('/sign', {}, MARK);
  await http(socket, { path: `/v1/kms/${MARK}`, token });
  await http(socket, { path: `/v1/kms/keys/${encodeURIComponent(signing)}?${MARK}=1`, token });
  await http(socket, { path: '/v1/kms/keys', token }, { 'x-corr-id': MARK, 'user-agent': MARK });

  const bundle = JSON.parse(readFileSync(home.file('payload.sig'), 'utf8')) as {
    readonly payload_b3: string;
    readonly sigs: readonly { readonly signature_b64: string }[];
  };
  return {
    mark: MARK,
    passphrase: 'correct horse',
    'operator token': readFileSync(server.ready.operator_cap!, 'utf8').trim(),
    token,
    'middle of the token': token.slice(40, 80),
    'payload digest': bundle.payload_b3,
    'Ed25519 signature': bundle.sigs[0]!.signature_b64.slice(0, 40),
    'ML-DSA signature': bundle.sigs[1]!.signature_b64.slice(0, 40),
    'mark in base64': Buffer.from(MARK).toString('base64').slice(0, 30),
    'mark in hex': Buffer.from(MARK).toString('hex'),
    kid: signing.split('#')[0]!,
    'uuid of the signing key': signing.split('/')[3]!.split('#')[0]!,
    'uuid of the wrapping key': wrapping.split('/')[3]!.split('#')[0]!,
  };
}

describe('a real server', () => {
  it('tells what it does and nothing of what it is given', async () => {
    const home = temporaryHome();
    await makeStore(home);
    const server = await startServer(home, [], { env: LOOSEST });
    const secrets = await driveEverything(server, home);
    const page = (await http(server.ready.metrics_addr, { path: '/metrics' })).body;
    const events = (await home.run(['tail', '--kms', 'local', '--since', '10m', '--for', '1s', '--json'])).stdout;
    const slo = await home.run(['metrics', '--kms', 'local', '--slo']);
    const pages = await Promise.all(
      ['/healthz', '/readyz', '/version'].map(async (path) => (await http(server.ready.metrics_addr, { path })).body),
    );
    expect(await server.stop()).toBe(0);

    const told: Record<string, string> = { log: server.stderr(), metrics: page, events, slo: slo.stdout };
    told['pages'] = pages.join('\n');
    told['stdout'] = server.stdout();
    for (const [where, text] of Object.entries(told)) {
      for (const [what, secret] of Object.entries(secrets)) {
        const found = text.split('\n').filter((line) => line.includes(secret));
        expect(found, `${what} in ${where}`).toEqual([]);
      }
    }

    const lines = server
      .stderr()
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Readonly<Record<string, unknown>>);
    const known = new Set(['ts', 'level', 'service', 'event', ...Object.keys(LOG_FIELDS)]);
    expect([...new Set(lines.flatMap((line) => Object.keys(line)))].filter((name) => !known.has(name))).toEqual([]);
    expect(lines.filter((line) => 'dropped' in line)).toEqual([]);
    const named = new Set(lines.map((line) => line['event']));
    for (const event of [
      'sign_request',
      'sign_result',
      'verify_result',
      'rotate_result',
      'readyz_true',
      'audit_checkpoint_ok',
      'span',
    ]) {
      expect(named, event).toContain(event);
    }

    // The tree of one signature: transport, operation, backend, all with the ids of the request.
    const signed = lines.find((line) => line['event'] === 'sign_result' && line['result'] === 'ok')!;
    const spans = lines.filter((line) => line['event'] === 'span' && line['corr_id'] === signed['corr_id']);
    expect(spans.map((line) => line['span'])).toEqual([
      'backend.file.sign',
      'svc.kms.audit.append',
      'svc.kms.sign',
      'svc.kms.http',
    ]);
    expect(new Set(spans.map((line) => line['request_id'])).size).toBe(1);

    // The smoke run of OBS-42, and every query of the alerts finds its series.
    expect(metric(page, 'kms_ops_total{op="sign",alg="hybrid",result="ok"}')).toBe(1);
    expect(metric(page, 'kms_latency_seconds_count{op="sign",alg="hybrid"}')).toBeGreaterThanOrEqual(1);
    expect(metric(page, 'kms_audit_integrity_failed_total')).toBe(0);
    expect(metric(page, 'busy_rejections_total{queue="sign"}')).toBe(0);
    expect(metric(page, 'rejected_total{reason="unauth"}')).toBe(2);
    expect(metric(page, 'kms_reject_total{reason="bad_request"}')).toBeGreaterThanOrEqual(2);
    const series = new Set(parseExposition(page).map(({ name }) => name));
    const wanted = ALERTS.flatMap(({ expr }) => parseQuery(expr).selectors.map(({ name }) => name));
    // A sink that is not configured has no series.
    const ofSinks = METRIC_ROWS.filter(({ labels }) => labels.some((label) => label.name === 'sink'));
    const optional = new Set(ofSinks.map(({ name }) => name));
    expect(wanted.filter((name) => !series.has(name) && !optional.has(name))).toEqual([]);
    for (const row of METRIC_ROWS) {
      if (zeroSeries(row).length > 0) expect(page, row.name).toContain(`\n${row.name}`);
    }
    expect(slo.stdout).toMatch(/^sign +hybrid +1 /m);
  });
});
