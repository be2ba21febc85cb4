// The public bundle of a local signer, signers/<id>/signer.json (store page 5): read without passphrase and lock.
// Refuses: a bundle that does not verify, or of another signer.

import { fromUtf8 } from '../bytes/text.ts';
import { envelopeFile } from '../envelope/dsse.ts';
import { RonError } from '../errors.ts';
import { isSignerId } from '../governance/names.ts';
import { parseSignerBundle, type VerifiedBundle } from '../governance/signer-bundle.ts';
import { LIMITS } from '../limits.ts';
import { sealedPaths } from './sealed-store.ts';
import type { StoreContext } from './store-deps.ts';

export const bundlePath = (directory: string): string => `${directory}/signer.json`;

export function checkSignerId(id: string): void {
  if (isSignerId(id)) return;
  throw new RonError('InvalidValue', `not a signer id: ${JSON.stringify(id)}`, {
    field: 'id',
    hint: 'Lower-case letters, digits, dot, underscore and hyphen, at most 64; not service, log or store.',
  });
}

/** The text of a bundle file. */
export function bundleText(bundle: VerifiedBundle): string {
  return fromUtf8(envelopeFile(bundle.envelope))!;
}

/** Ids of the signers of this home, sorted; one whose creation was cut off is not among them. */
export function signerIds(ctx: Pick<StoreContext, 'files' | 'paths'>): string[] {
  const { files, paths } = ctx;
  return files
    .list(paths.signers)
    .filter((id) => isSignerId(id) && files.info(sealedPaths(paths.signer(id)).manifest) !== null);
}

/** The public bundle of a local signer, its signatures verified. No passphrase, no lock. */
export function readSignerBundle(ctx: Omit<StoreContext, 'random' | 'clock'>, id: string): VerifiedBundle {
  checkSignerId(id);
  const path = bundlePath(ctx.paths.signer(id));
  const bytes = ctx.files.read(path, LIMITS.signedFileBytes);
  if (bytes === null) {
    if (ctx.files.info(sealedPaths(ctx.paths.signer(id)).manifest) === null) throw missingSigner(ctx, id);
    throw new RonError('Tampered', `${path} is missing`, {
      hint: `Find out who removed it; \`ronctl signer passphrase ${id}\` opens the signer and makes it again.`,
    });
  }
  const bundle = parseSignerBundle(ctx.crypto, bytes, path);
  if (bundle.bundle.id !== id) {
    throw new RonError('Tampered', `${path}: is the bundle of ${bundle.bundle.id}, not of ${id}`);
  }
  return bundle;
}

export function missingSigner(ctx: Pick<StoreContext, 'files' | 'paths'>, id: string): RonError {
  const here = signerIds(ctx);
  const others = here.length === 0 ? '' : `Signers here: ${here.join(', ')}. `;
  return new RonError('NotInitialised', `there is no signer ${id} in ${ctx.paths.home}`, {
    field: 'ID',
    hint: `${others}A new one: ronctl signer create ${id}`,
  });
}
