// Rows of the crash matrix for the stores themselves: init, mutations, ledger, appends, checkpoint, signer stores.

import { existsSync, readdirSync, statSync } from 'node:fs';
import { RecordChain } from '../../src/audit/chain.ts';
import { chainRecord } from '../../src/audit/chain-record.ts';
import { toHex } from '../../src/bytes/hex.ts';
import { utf8 } from '../../src/bytes/text.ts';
import { sha256Hex } from '../../src/crypto/hash.ts';
import { RonError } from '../../src/errors.ts';
import { initCustody } from '../../src/storage/custody-creation.ts';
import { openCustodyStore } from '../../src/storage/custody-open.ts';
import type { CustodyStore, Mutation } from '../../src/storage/custody-port.ts';
import { ledgerLineRef } from '../../src/storage/ledger-segments.ts';
import { readPublicView } from '../../src/storage/public-reader.ts';
import { readSignerBundle, signerIds } from '../../src/storage/signer-bundle-file.ts';
import { createSigner } from '../../src/storage/signer-creation.ts';
import { type OpenSigner, openSigner } from '../../src/storage/signer-store.ts';
import { storeContext } from '../../src/storage/store-deps.ts';
import { ACTOR, createKey, INIT, signDraft } from '../support/custody.ts';
import { FAST_KDF, fixedPassphrases, type TestDeps } from '../support/store.ts';
import type { Scenario } from './scenario.ts';

const OP = '0190a5a0-0000-7000-8000-0000000000aa';
const LEDGER = 'gl-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa';
const NEW_PASSPHRASE = 'the new one';

const after = (deps: TestDeps): TestDeps => ({
  ...deps,
  passphrases: fixedPassphrases({ store: NEW_PASSPHRASE, alice: NEW_PASSPHRASE }),
});

/** Every record in order, its chain, counters and links checked. */
function checkedRecords(store: CustodyStore): readonly string[] {
  const chain = new RecordChain(true, ({ code, seq, message }) => {
    throw new Error(`record ${seq}: ${code}: ${message}`);
  });
  const out: string[] = [];
  let seq = 0;
  for (const record of store.records(0)) {
    chain.next(chainRecord(record), seq++);
    // What a crash may leave besides: the note of a cut tail, states and manifests of another checkpoint.
    if (!['gap', 'state', 'manifest'].includes(record.op)) out.push(`${record.op} ${record.op_id === OP ? 'OP' : ''}`);
  }
  return out;
}

const bytesBelow = (directory: string): number =>
  !existsSync(directory)
    ? 0
    : readdirSync(directory)
        .filter((name) => name.endsWith('.jsonl'))
        .reduce((sum, name) => sum + statSync(`${directory}/${name}`).size, 0);

/** What the store holds, read with and without its passphrase. */
async function describeStore(deps: TestDeps): Promise<string> {
  const store = await openCustodyStore(deps);
  try {
    const records = checkedRecords(store);
    const secrets: string[] = [];
    for (const id of store.recordIds()) {
      const { secret } = await store.read(id);
      secrets.push(`${id} ${secret.length}`);
    }
    const { keys, ledger } = store.view;
    const { generation } = store.view;
    const lines = [...store.ledgerLines(0)];
    const written = lines.reduce((sum, line) => sum + line.length + 1, 0);
    if (bytesBelow(`${deps.home}/ledger`) !== written)
      throw new Error('the ledger holds more than its committed lines');
    const state = store.ledgerState();
    await store.checkpoint();
    const read = readPublicView(await storeContext(deps));
    if (read.trust !== 'local' || toHex(read.checkpoint!.root) !== store.newestCheckpoint().root) {
      throw new Error(`read without a passphrase: ${read.trust}`);
    }
    const plainKeys = keys.map((one) => [one.kid, one.versions.map(({ n, state: is }) => [n, is])]);
    return JSON.stringify({
      records,
      secrets,
      plainKeys,
      ledger,
      generation,
      lines: lines.map(sha256Hex),
      state: state?.length ?? null,
    });
  } finally {
    await store.close();
  }
}

async function prepareStore(deps: TestDeps): Promise<void> {
  const store = await initCustody(deps, INIT);
  await store.mutate(createKey());
  await store.append([signDraft]);
  await store.checkpoint();
  await store.close();
}

/** An operation as the service does it: looks in the log first, acts once, answers, closes with a checkpoint. */
async function once(
  deps: TestDeps,
  acknowledge: () => void,
  act: (store: CustodyStore) => Promise<unknown>,
): Promise<void> {
  const store = await openCustodyStore(deps, { kdf: FAST_KDF });
  try {
    if (store.findOperation(OP) === null) await act(store);
    acknowledge();
    await store.checkpoint();
  } finally {
    await store.close();
  }
}

function mutation(name: string, every: 1 | 3, make: () => Mutation): Scenario {
  return {
    name,
    every,
    prepare: prepareStore,
    run: (deps, acknowledge) =>
      once(deps, acknowledge, (store) => {
        const made = make();
        return store.mutate({
          ...made,
          audit: { ...(made.audit as { op: 'create' }), op_id: OP } as Mutation['audit'],
        });
      }),
    describe: describeStore,
  };
}

const reseal = { op: 'store.reseal', actor: ACTOR, result: 'ok', detail: { kdf: { alg: 'scrypt' } } } as const;
const passphrase = { op: 'store.passphrase', actor: ACTOR, result: 'ok', detail: { kdf: { alg: 'scrypt' } } } as const;

/** With either passphrase: exactly one opens, and which one says whether the change is there. */
async function eitherPassphrase<T>(deps: TestDeps, use: (deps: TestDeps) => Promise<T>): Promise<T> {
  try {
    return await use(deps);
  } catch (error) {
    if (!(error instanceof RonError) || error.code !== 'WrongPassphrase') throw error;
    return use(after(deps));
  }
}

async function describeSigner(deps: TestDeps): Promise<string> {
  const ctx = await storeContext(deps);
  if (!signerIds(ctx).includes('alice')) return 'no signer';
  const signer = await openSigner(deps, 'alice');
  try {
    for (let n = 1; n <= signer.pairs.length; n++) await signer.keys(n);
    if (readSignerBundle(ctx, 'alice').digest !== signer.bundle.digest) throw new Error('signer.json lags behind');
    return JSON.stringify({ pairs: signer.pairs.length, memory: signer.memory(LEDGER) });
  } finally {
    signer.close();
  }
}

function signerChange(name: string, act: (signer: OpenSigner) => Promise<unknown>): Scenario {
  return {
    name,
    every: 3,
    prepare: async (deps) => {
      await createSigner(deps, 'alice', FAST_KDF);
    },
    run: async (deps, acknowledge) => {
      const signer = await openSigner(deps, 'alice');
      try {
        await act(signer);
        acknowledge();
      } finally {
        signer.close();
      }
    },
    describe: describeSigner,
  };
}

export const STORE_SCENARIOS: readonly Scenario[] = [
  {
    name: 'init',
    every: 3,
    prepare: async () => undefined,
    run: async (deps, acknowledge) => {
      try {
        const store = await initCustody(deps, INIT);
        acknowledge();
        await store.close();
      } catch (error) {
        if (!(error instanceof RonError) || error.code !== 'Exists') throw error;
      }
    },
    describe: async (deps) => {
      try {
        return await describeStore(deps);
      } catch (error) {
        if (error instanceof RonError && error.code === 'NotInitialised') return 'not initialised';
        throw error;
      }
    },
  },
  mutation('create', 3, () => createKey(2)),
  mutation('rotate', 1, () => createKey(2)),
  mutation('root-rotate', 3, () => ({ rotateRoot: true, audit: reseal })),
  {
    ...mutation('store passphrase', 3, () => ({ passphrase: utf8(NEW_PASSPHRASE), audit: passphrase })),
    run: (deps, acknowledge) =>
      eitherPassphrase(deps, (working) =>
        once(working, acknowledge, (store) =>
          store.mutate({ passphrase: utf8(NEW_PASSPHRASE), audit: { ...passphrase, op_id: OP } }),
        ),
      ),
    describe: (deps) => eitherPassphrase(deps, describeStore),
  },
  {
    name: 'ledger append',
    every: 3,
    prepare: prepareStore,
    run: (deps, acknowledge) =>
      once(deps, acknowledge, async (store) => {
        const line = utf8('{"seq":0}');
        if (store.view.ledger !== null) return;
        const head = ledgerLineRef(line);
        await store.appendLedger({ ledgerId: LEDGER, lines: [line], head, state: utf8('{}'), actor: ACTOR });
      }),
    describe: describeStore,
  },
  {
    name: 'audit append',
    every: 3,
    prepare: prepareStore,
    run: (deps, acknowledge) => once(deps, acknowledge, (store) => store.append([{ ...signDraft, op_id: OP }])),
    describe: describeStore,
  },
  {
    name: 'signer create',
    every: 3,
    prepare: async () => undefined,
    run: async (deps, acknowledge) => {
      try {
        await createSigner(deps, 'alice', FAST_KDF);
        acknowledge();
      } catch (error) {
        if (!(error instanceof RonError) || error.code !== 'Exists') throw error;
      }
    },
    describe: describeSigner,
  },
  signerChange('signer statement', async (signer) => {
    if (signer.memory(LEDGER) === null) await signer.commitMemory(LEDGER, { newest: null, statements: [] });
  }),
  signerChange('signer rotate', async (signer) => {
    if (signer.pairs.length === 1) await signer.rotate();
  }),
  {
    ...signerChange('signer passphrase', async () => undefined),
    run: async (deps, acknowledge) => {
      try {
        const signer = await openSigner(deps, 'alice');
        try {
          await signer.changePassphrase(utf8(NEW_PASSPHRASE), FAST_KDF);
          acknowledge();
        } finally {
          signer.close();
        }
      } catch (error) {
        if (!(error instanceof RonError) || error.code !== 'WrongPassphrase') throw error;
        (await openSigner(after(deps), 'alice')).close();
      }
    },
    describe: (deps) =>
      eitherPassphrase(deps, async (working) => {
        const which = working === deps ? 'old passphrase' : 'new passphrase';
        return `${which} ${await describeSigner(working)}`;
      }),
  },
];
