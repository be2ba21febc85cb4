// What every `audit export` starts from: one epoch with its newest verified checkpoint, and a place outside the home. Nothing
// behind the checkpoint is exported: nobody has signed it yet.

import type { VerifiedCheckpoint } from '../../audit/checkpoint.ts';
import { RonError } from '../../errors.ts';
import { withCosignatures } from '../../storage/cosigned.ts';
import type { OperationDeps } from '../deps.ts';
import { type LogHead, logHead } from './head.ts';

export type ExportDeps = Pick<OperationDeps, 'host' | 'home' | 'crypto' | 'onProgress'>;

export interface ExportSource {
  /** Absolute path of a home or an audit directory; null = this home, or the server in its place. */
  readonly source: string | null;
  /** Null = the newest. */
  readonly epoch: number | null;
}

export type SignedHead = LogHead & { readonly checkpoint: VerifiedCheckpoint };

/** Throws Inconclusive (`no-checkpoint`) for a log that nobody has signed. */
export async function exportHead(deps: ExportDeps, { source, epoch }: ExportSource): Promise<SignedHead> {
  const head = await logHead(deps, epoch, source);
  const { checkpoint } = head;
  if (checkpoint !== null) {
    const note = withCosignatures(head.files, head.paths, checkpoint.note);
    return { ...head, checkpoint: { ...checkpoint, note } };
  }
  throw new RonError('Inconclusive', `${head.origin} has no checkpoint: nothing vouches for its records`, {
    field: 'no-checkpoint',
    hint: 'Sign the log first: `ronctl audit checkpoint`.',
  });
}

/** `out` is absolute. */
export function refuseInside(deps: Pick<ExportDeps, 'home'>, out: string, flag: string): void {
  if (out !== deps.home && !out.startsWith(`${deps.home}/`)) return;
  throw new RonError('InvalidValue', `${out} lies in the home`, {
    field: flag,
    hint: 'Name a place outside; what lies in a home belongs to it.',
  });
}
