// Where signed files go: the inbox of this home, where they wait for an ingest, or the server that --kms names, which
// ingests them at once.

import { RonError } from '../../errors.ts';
import { ensureHome } from '../../storage/home.ts';
import { inboxName, putInbox } from '../../storage/inbox.ts';
import type { StoreContext } from '../../storage/store-deps.ts';
import type { OperationDeps } from '../deps.ts';
import { withService } from '../service.ts';

export interface SignedFile {
  /** H of its payload. */
  readonly digest: string;
  readonly bytes: Uint8Array;
}

/** `ctx` is that of this home. Throws what a server refused a file for, and LedgerBehind when it cannot take any in. */
export async function deliver(ctx: StoreContext, deps: OperationDeps, files: readonly SignedFile[]): Promise<void> {
  if (deps.online !== null) {
    for (const file of files) await submit(deps, file);
    return;
  }
  await ensureHome(ctx, ctx.paths);
  for (const { digest, bytes } of files) await putInbox(ctx, digest, bytes);
}

async function submit(deps: OperationDeps, { bytes, digest }: SignedFile): Promise<void> {
  const { ingest } = await withService(deps, {}, ({ governance, call }) => governance.submit({ files: [bytes] }, call));
  const name = inboxName(digest);
  const refused = [...(ingest?.refused ?? []), ...(ingest?.behind ?? [])].find((one) => one.name === name);
  if (refused !== undefined) throw new RonError(refused.code, `the server refused ${name}: ${refused.message}`);
}
