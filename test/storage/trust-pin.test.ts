// Pins: the one thing that a home believes about a ledger.

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ensureHome } from '../../src/storage/home.ts';
import { type StoreContext, storeContext } from '../../src/storage/store-deps.ts';
import {
  demandPin,
  listPins,
  readAuthority,
  readChain,
  readPinnedGenesis,
  writeChain,
  writePin,
} from '../../src/storage/trust-pin.ts';
import { at, genesisOf } from '../support/governance.ts';
import { refusal } from '../support/refusal.ts';
import { storeDeps, temporaryHome } from '../support/store.ts';

async function context(): Promise<StoreContext> {
  const ctx = await storeContext(storeDeps(temporaryHome()));
  await ensureHome(ctx, ctx.paths);
  return ctx;
}

describe('a pin', () => {
  it('is written once; the genesis beside it is verified at every use', async () => {
    const ctx = await context();
    const { verified, genesis } = await genesisOf();
    expect(listPins(ctx)).toEqual([]);
    expect(refusal(() => demandPin(ctx, genesis.ledger_id))).toMatchObject({ code: 'NoTrustedKey' });
    expect(await writePin(ctx, verified, at(0))).toBe('pinned');
    expect(await writePin(ctx, verified, at(1))).toBe('known');
    expect(listPins(ctx)).toMatchObject([
      { ledger_id: genesis.ledger_id, genesis_digest: verified.digest, pinned_at: at(0) },
    ]);
    expect(readPinnedGenesis(ctx, genesis.ledger_id).digest).toBe(verified.digest);
    expect(readAuthority(ctx, genesis.ledger_id).authority.set.epoch).toBe(0);
  });

  it('does not accept another genesis under its id (10), nor a changed one beside it', async () => {
    const ctx = await context();
    const { verified, genesis } = await genesisOf();
    await writePin(ctx, verified, at(0));
    const other = { ...verified, digest: `sha256:${'0'.repeat(64)}` };
    await expect(writePin(ctx, other, at(0))).rejects.toMatchObject({ code: 'PinMismatch' });
    const path = join(ctx.paths.trust, genesis.ledger_id, 'pin.json');
    writeFileSync(path, readFileSync(path, 'utf8').replace(verified.digest, other.digest));
    expect(refusal(() => readPinnedGenesis(ctx, genesis.ledger_id))).toMatchObject({
      code: 'Tampered',
      field: 'genesis',
    });
  });

  it('refuses names that are no ledger ids (a name is a path)', async () => {
    const ctx = await context();
    for (const id of ['../store', 'gl-', `gl-${'A'.repeat(32)}`, 'logs']) {
      expect(refusal(() => demandPin(ctx, id))).toMatchObject({ code: 'InvalidValue' });
    }
  });

  it('keeps a longer chain only', async () => {
    const ctx = await context();
    const { verified, genesis } = await genesisOf();
    await writePin(ctx, verified, at(0));
    const link = { proposal: verified.envelope, statements: [], possessions: [], receipt: verified.envelope };
    await writeChain(ctx, genesis.ledger_id, [link]);
    await writeChain(ctx, genesis.ledger_id, []);
    expect(readChain(ctx, genesis.ledger_id)).toHaveLength(1);
    expect(refusal(() => readAuthority(ctx, genesis.ledger_id)).code).toBe('Malformed');
  });
});
