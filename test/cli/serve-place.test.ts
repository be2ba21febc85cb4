import { createHash } from 'node:crypto';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { nodeHost } from '../../src/cli/node-host.ts';
import { preparePlace, removeOldSocket, type ServePlaceOf, servePlace } from '../../src/cli/serve-place.ts';
import type { Host } from '../../src/host.ts';
import { refusal } from '../support/refusal.ts';

const directory = mkdtempSync(join(tmpdir(), 'ronctl-place-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const real = nodeHost();
const home = join(directory, 'home');
const shared = join(directory, 'xdg');
mkdirSync(home);
mkdirSync(shared);

function host(runtimeDirectory: string | undefined, fileSystem: string): Pick<Host, 'env' | 'files'> {
  return {
    env: { ...real.env, get: (name) => (name === 'XDG_RUNTIME_DIR' ? runtimeDirectory : undefined) },
    files: { ...real.files, fileSystem: () => ({ type: fileSystem, freeBytes: 1, totalBytes: 1 }) },
  };
}

const of = (more: Partial<ServePlaceOf> = {}): ServePlaceOf => ({
  home,
  homeId: '0a1b2c3d-0000-4000-8000-000000000000',
  amnesia: false,
  operatorCap: undefined,
  ...more,
});

describe('the place of a server', () => {
  it('is in $XDG_RUNTIME_DIR under the first 8 digits of the home id, the rest in the home', () => {
    expect(servePlace(host(shared, 'ext4'), of())).toEqual({
      socket: `${shared}/ronctl/0a1b2c3d.sock`,
      runDirectory: `${home}/run`,
      operatorCap: `${home}/run/operator.cap`,
    });
  });

  it.each([undefined, '', 'relative/path', '/no/such/directory'])(
    'is in the home when XDG_RUNTIME_DIR is %s',
    (value) => {
      expect(servePlace(host(value, 'ext4'), of()).socket).toBe(`${home}/run/kms.sock`);
    },
  );

  it('is named after the path of a home without home.json', () => {
    const digest = createHash('sha256').update(home).digest('hex');
    expect(servePlace(host(shared, 'tmpfs'), of({ homeId: null })).socket).toBe(
      `${shared}/ronctl/${digest.slice(0, 8)}.sock`,
    );
  });

  it('is on tmpfs under amnesia, or nowhere', () => {
    expect(servePlace(host(shared, 'tmpfs'), of({ amnesia: true }))).toEqual({
      socket: `${shared}/ronctl/0a1b2c3d.sock`,
      runDirectory: `${shared}/ronctl`,
      operatorCap: `${shared}/ronctl/operator.cap`,
    });
    for (const where of [host(shared, 'ext4'), host(undefined, 'tmpfs')]) {
      expect(servePlace(where, of({ amnesia: true }))).toEqual({ socket: null, runDirectory: null, operatorCap: null });
    }
    expect(servePlace(host(undefined, 'ext4'), of({ amnesia: true, operatorCap: '/x/cap' })).operatorCap).toBe(
      '/x/cap',
    );
  });

  it('refuses a socket path over 100 bytes', () => {
    const long = join(directory, 'n'.repeat(100));
    expect(refusal(() => servePlace(host(undefined, 'ext4'), of({ home: long })))).toMatchObject({
      code: 'InvalidValue',
      exit: 3,
      field: 'RONCTL_HOME',
    });
  });

  it('makes directories for us alone, and refuses others', () => {
    const place = servePlace(host(shared, 'ext4'), of());
    preparePlace(real.files, place);
    expect(real.files.info(`${shared}/ronctl`)).toMatchObject({ type: 'directory', mode: 0o700 });
    expect(real.files.info(`${home}/run`)).toMatchObject({ type: 'directory', mode: 0o700 });
    preparePlace(real.files, place);
    chmodSync(`${shared}/ronctl`, 0o750);
    expect(refusal(() => preparePlace(real.files, place))).toMatchObject({ code: 'UnsafeFile' });
    rmSync(`${shared}/ronctl`, { recursive: true });
    symlinkSync(home, `${shared}/ronctl`);
    expect(refusal(() => preparePlace(real.files, place)).message).toContain(`${shared}/ronctl`);
    rmSync(`${shared}/ronctl`);
  });

  it('removes the socket of a killed server, nothing else', async () => {
    const socket = join(directory, 'old.sock');
    removeOldSocket(real.files, socket);
    const server = createServer();
    await new Promise<void>((done) => server.listen(socket, done));
    removeOldSocket(real.files, socket);
    expect(real.files.info(socket)).toBeNull();
    await new Promise((done) => server.close(done));
    writeFileSync(socket, 'precious');
    expect(refusal(() => removeOldSocket(real.files, socket))).toMatchObject({ code: 'UnsafeFile' });
    expect(real.files.info(socket)).not.toBeNull();
  });
});
