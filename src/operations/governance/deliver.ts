// Where signed files go: the inbox of this home, where they wait for an ingest, and from there to the server that --kms
// names, which ingests them at once.

import { RonError } from '../../errors.ts';
import { ensureHome } from '../../storage/home.ts';
import { inboxName, putInbox, removeFromInbox } from '../../storage/inbox.ts';
import type { StoreContext } from '../../storage/store-deps.ts';
import type { OperationDeps } from '../deps.ts';
import { withService } from '../service.ts';

export interface SignedFile {
  /** H of its payload. */
  readonly digest: string;
  readonly bytes: Uint8Array;
}

/**
 * `ctx` is that of this home. Before a server gets them the files lie in this home's inbox, so that a signature that was
 * released is never lost; what the server has in its ledger is removed there, what waits at the server stays, because it may
 * be the inbox of this very home that it waits in. Throws what the server refused a file for, and LedgerBehind
 * when it cannot take any in.
 */
export async function deliver(
  ctx: StoreContext,
  deps: OperationDeps,
  files: readonly SignedFile[],
): Promise<{ readonly ingested: boolean }> {
  await ensureHome(ctx, ctx.paths);
  for (const { digest, bytes } of files) await putInbox(ctx, digest, bytes);
  if (deps.online === null) return { ingested: false };
  const taken: SignedFile[] = [];
  for (const file of files) if (await submit(deps, file)) taken.push(file);
  try {
    await removeFromInbox(
      ctx,
      taken.map(({ digest }) => inboxName(digest)),
    );
  } catch (error) {
    // The server of this very home takes them from there itself.
    if (!(error instanceof RonError) || error.code !== 'NotFound') throw error;
  }
  return { ingested: taken.length === files.length };
}

/** True when the ledger has it now; else it waits there. */
async function submit(deps: OperationDeps, { bytes, digest }: SignedFile): Promise<boolean> {
  const name = inboxName(digest);
  const { ingest } = await withService(deps, {}, ({ governance, call }) =>
    governance.submit({ files: [bytes] }, call),
  ).catch((error: unknown) => {
    if (!(error instanceof RonError)) throw error;
    throw new RonError(error.code, error.message, {
      ...(error.field === undefined ? {} : { field: error.field }),
      hint: `It is signed and waits in inbox/${name}: hand it in with ronctl governance import.`,
      cause: error,
    });
  });
  const refused = [...(ingest?.refused ?? []), ...(ingest?.behind ?? [])].find((one) => one.name === name);
  if (refused !== undefined) throw new RonError(refused.code, `the server refused ${name}: ${refused.message}`);
  return [...(ingest?.ingested ?? []), ...(ingest?.known ?? [])].some((one) => one.name === name);
}

/** For results: which server got it. */
export function submittedTo({ online, dryRun }: OperationDeps): { readonly submitted_to?: string } {
  return online === null || dryRun ? {} : { submitted_to: online.name };
}
