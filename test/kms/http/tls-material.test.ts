// The certificate pair of the listener, and what a real handshake negotiates.

import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, createServer, type TLSSocket } from 'node:tls';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { nodeHost } from '../../../src/cli/node-host.ts';
import {
  canNegotiate,
  groupOfSession,
  groupOfSocket,
  loadTlsMaterial,
  tlsOptions,
} from '../../../src/kms/http/tls-material.ts';
import { refusal } from '../../support/refusal.ts';

const { files } = nodeHost();
const directory = mkdtempSync(join(tmpdir(), 'ronctl-tls-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));
const at = (name: string): string => join(directory, name);

function make(name: string, days: number): { readonly cert_path: string; readonly key_path: string } {
  const pair = { cert_path: at(`${name}.crt`), key_path: at(`${name}.key`) };
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=IP:127.0.0.1'];
  const argv = ['req', '-x509', '-newkey', 'ed25519', '-nodes', '-days', String(days), ...subject];
  execFileSync('openssl', [...argv, '-keyout', pair.key_path, '-out', pair.cert_path], { stdio: 'pipe' });
  for (const path of Object.values(pair)) chmodSync(path, 0o600);
  return pair;
}

let pair: ReturnType<typeof make>;
beforeAll(() => {
  pair = make('a', 30);
});

const DAY_MS = 86_400_000;
const load = (paths: Partial<typeof pair> = {}, nowMs = Date.now()) =>
  loadTlsMaterial(files, { ...pair, ...paths }, nowMs);

describe('the pair', () => {
  test('is loaded, its digest is that of openssl, and 30 days are not worth a warning', () => {
    const { sha256, warnings } = load();
    const out = execFileSync('openssl', ['x509', '-in', pair.cert_path, '-noout', '-fingerprint', '-sha256']);
    expect(sha256).toBe(out.toString().trim().split('=')[1]!.replaceAll(':', '').toLowerCase());
    expect(warnings).toEqual([]);
  });

  test.each([
    ['an empty path', { key_path: '' }, /tls\.key_path is not set/],
    ['no file', { cert_path: '/nowhere/cert' }, /tls\.cert_path: there is no file/],
    ['a certificate that is none', { cert_path: 'other' }, /holds no certificate/],
    ['a key that is none', { key_path: 'other' }, /holds no private key/],
    ['a key of another pair', { key_path: 'foreign' }, /does not belong to the certificate/],
    ['a key that everybody can read', { key_path: 'open' }, /can be read by everybody \(mode 644\)/],
  ] as const)('refuses %s', (_, change, message) => {
    writeFileSync(at('other'), 'secret bytes of a file\n', { mode: 0o600 });
    const foreign = make('b', 30);
    writeFileSync(at('open'), readFileSync(pair.key_path));
    chmodSync(at('open'), 0o644);
    const names: Record<string, string> = { other: at('other'), foreign: foreign.key_path, open: at('open') };
    const real = Object.fromEntries(Object.entries(change).map(([key, value]) => [key, names[value] ?? value]));
    const error = refusal(() => load(real));
    expect(error.code).toBe('RefusedConfig');
    expect(error.message).toMatch(message);
    expect(`${error.message} ${error.hint} ${String(error.cause)}`).not.toContain('secret bytes');
  });

  test('is refused after its end, and warned of from 14 days before', () => {
    const now = Date.now();
    expect(load({}, now + 16.5 * DAY_MS).warnings).toHaveLength(1);
    expect(load({}, now + 15.5 * DAY_MS).warnings).toEqual([]);
    expect(refusal(() => load({}, now + 31 * DAY_MS)).message).toMatch(/is valid from .* to /);
    expect(refusal(() => load({}, now - DAY_MS)).code).toBe('RefusedConfig');
    const long = make('c', 365);
    expect(loadTlsMaterial(files, long, now).warnings[0]).toMatch(/over 90 days/);
  });
});

describe('a handshake', () => {
  async function shake(pqOnly: boolean, curve?: string): Promise<{ server: string | null; client: string }> {
    let server: string | null = null;
    const listener = createServer(tlsOptions(load(), { pqOnly }), (socket: TLSSocket) => {
      server = groupOfSocket(socket);
      socket.end('x');
    });
    listener.on('tlsClientError', () => undefined);
    listener.listen(0, '127.0.0.1');
    await once(listener, 'listening');
    const { port } = listener.address() as AddressInfo;
    const chosen = curve === undefined ? {} : { ecdhCurve: curve };
    const socket = connect({ port, host: '127.0.0.1', ca: readFileSync(pair.cert_path), ...chosen });
    try {
      await once(socket, 'secureConnect');
      socket.resume();
      const client = String(Object.values(socket.getEphemeralKeyInfo()!)[1]);
      await once(socket, 'close');
      return { server, client };
    } finally {
      socket.destroy();
      listener.close();
    }
  }

  test('takes the hybrid group first, and both sides name it', async () => {
    expect(await shake(false)).toEqual({ server: 'X25519MLKEM768', client: 'X25519MLKEM768' });
  });

  test('falls back to X25519 unless the hybrid group alone is allowed', async () => {
    expect(await shake(false, 'X25519')).toEqual({ server: 'X25519', client: 'X25519' });
    await expect(shake(true, 'X25519')).rejects.toThrow(/handshake failure/);
    expect((await shake(true)).server).toBe('X25519MLKEM768');
  });

  test('a session that is none tells no group', () => {
    for (const bytes of [[], [0x30], [0x30, 0x84, 1, 1, 1, 1], [0x31, 0], [0x30, 4, 0xb3, 2, 4, 0], [0x30, 2, 2, 9]]) {
      expect(groupOfSession(Uint8Array.from(bytes))).toBeNull();
    }
    expect(groupOfSession(undefined)).toBeNull();
  });
});

test('the runtime has the hybrid group, and a group that it lacks is told apart', () => {
  expect(canNegotiate()).toBe(true);
  expect(canNegotiate('X25519MLKEM9999')).toBe(false);
});
