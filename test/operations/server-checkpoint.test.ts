// A server whose newest checkpoint is old shows yesterday's state: nothing of it is taken for the present (log page 4.6).

import { beforeAll, describe, expect, test } from 'vitest';
import { nodeHost } from '../../src/cli/node-host.ts';
import { RonError } from '../../src/errors.ts';
import type { Host } from '../../src/host.ts';
import { remoteFiles } from '../../src/kms-client/remote-files.ts';
import { auditLog } from '../../src/operations/audit/log.ts';
import { auditVerify } from '../../src/operations/audit/verify.ts';
import { verdictError } from '../../src/operations/audit/verify-result.ts';
import type { OperationDeps } from '../../src/operations/deps.ts';
import { listProposals } from '../../src/operations/governance/list.ts';
import { list } from '../../src/operations/kms/list.ts';
import { temporaryHome } from '../support/binary.ts';
import { testCrypto } from '../support/crypto.ts';
import { makeStoryHome } from '../support/story-home.ts';

const home = temporaryHome();
beforeAll(async () => {
  await makeStoryHome(home);
});

/** Deps of a reader; `served`: the same files as a server of this home publishes them. */
function deps(aheadMs: number, served: boolean): OperationDeps {
  const own = nodeHost();
  const clock = { ...own.clock, now: () => own.clock.now() + aheadMs };
  const server = {
    info: (path: string) => own.files.info(`${home.path}/${path}`),
    list: (path: string) => own.files.list(`${home.path}/${path}`),
    read(path: string, offset: number, length: number) {
      if (own.files.info(`${home.path}/${path}`)?.type !== 'file') return null;
      const file = own.files.open(`${home.path}/${path}`, 'read');
      try {
        return file.read(offset, length);
      } finally {
        file.close();
      }
    },
  };
  const files = served ? remoteFiles({ own: own.files, home: home.path, server, name: 'the server' }) : own.files;
  const host: Host = { ...own, clock, files };
  return {
    host,
    home: home.path,
    crypto: () => Promise.resolve(testCrypto()),
    passphrases: {
      existing: () => Promise.reject(new Error('no secret')),
      fresh: () => Promise.reject(new Error('no')),
    },
    onProgress: () => undefined,
    dryRun: false,
    online: null,
    lockTimeoutMs: 0,
  };
}

const READS: readonly (readonly [string, (of: OperationDeps) => Promise<unknown>])[] = [
  ['governance list', (of) => listProposals({ all: false }, of)],
  ['kms list', (of) => list({}, of)],
  [
    'audit log',
    (of) => auditLog({ since: null, from: null, limit: 5, op: null, tenant: null, kid: null, epoch: null }, of),
  ],
];

describe('a checkpoint of a server', () => {
  test.each(READS)('%s takes one of 290 s and refuses one of 301 s', async (_, read) => {
    await read(deps(280_000, true));
    const error: unknown = await read(deps(310_000, true)).then(
      () => null,
      (thrown: unknown) => thrown,
    );
    expect(error).toBeInstanceOf(RonError);
    expect(error).toMatchObject({ code: 'Inconclusive', exit: 11, field: 'stale-checkpoint' });
    expect((error as RonError).message).toContain('the newest checkpoint of the server is 31');
  });

  test.each(READS)('%s of this disk does not mind', async (_, read) => {
    await read(deps(310_000, false));
  });

  test('audit verify judges everything else too', async () => {
    const request = { target: null, fast: false, headKeys: null };
    const fresh = await auditVerify(request, deps(0, true));
    expect(fresh.verdict).toBe('consistent');
    const stale = await auditVerify(request, deps(310_000, true));
    expect([stale.verdict, stale.findings.map((one) => one.code)]).toEqual(['inconclusive', ['stale-checkpoint']]);
    expect(verdictError(stale)).toMatchObject({ code: 'Inconclusive', exit: 11 });
    expect((await auditVerify(request, deps(310_000, false))).verdict).toBe('consistent');
  });
});
