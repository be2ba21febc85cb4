// Network file systems keep neither locks nor syncs: store, ledger and log on one are refused before anything is read
// or asked.

import { describe, expect, it } from 'vitest';
import { nodeHost } from '../../src/cli/node-host.ts';
import type { Files } from '../../src/host.ts';
import { initCustody } from '../../src/storage/custody-creation.ts';
import { openCustodyStore } from '../../src/storage/custody-open.ts';
import { createKey, INIT } from '../support/custody.ts';
import { storeDeps, temporaryHome } from '../support/store.ts';

/** The files of this machine, with one path on another file system. */
function on(type: string, path: string): Files {
  const { files } = nodeHost();
  const fileSystem: Files['fileSystem'] = (asked) => ({
    ...files.fileSystem(asked),
    ...(asked === path ? { type } : {}),
  });
  return Object.assign(Object.create(files) as Files, { fileSystem });
}

const unasked = {
  existing: () => Promise.reject(new Error('the passphrase was asked for')),
  fresh: () => Promise.reject(new Error('the passphrase was asked for')),
};

describe('a home on a network file system', () => {
  it.each(['nfs', 'cifs', 'smb2', 'afs', 'ceph'])('of type %s is refused', async (type) => {
    const home = temporaryHome();
    await (await initCustody(storeDeps(home), INIT)).close();
    const deps = storeDeps(home, { hostChange: { files: on(type, home) }, passphrases: unasked });
    await expect(openCustodyStore(deps)).rejects.toMatchObject({
      code: 'NetworkFileSystem',
      message: expect.stringContaining(type),
    });
  });

  it.each(['store', 'audit', 'ledger'])('is refused when only its %s lies there', async (part) => {
    const home = temporaryHome();
    const store = await initCustody(storeDeps(home), INIT);
    await store.mutate(createKey());
    await store.close();
    const { files } = nodeHost();
    if (part === 'ledger') files.makeDirectory(`${home}/ledger`);
    const deps = storeDeps(home, { hostChange: { files: on('nfs', `${home}/${part}`) }, passphrases: unasked });
    await expect(openCustodyStore(deps)).rejects.toMatchObject({
      code: 'NetworkFileSystem',
      message: expect.stringContaining(`${home}/${part}`),
    });
  });
});
