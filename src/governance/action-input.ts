// `--action NAME[:JSON]` as an operator types it (governance page 6): members without `name`, in any JSON notation. Refuses an
// unknown name (UnknownKey, 3, with the nearest ones) and members of another shape. New keys of a rotation are made by the
// custody store, never typed.

import { type Json, parseHandWritten } from '../bytes/canonical-json.ts';
import { nearest } from '../bytes/nearest.ts';
import { RonError } from '../errors.ts';
import type { Scope } from '../policy/state.ts';
import { ACTION_NAMES, type Action, action, isActionName } from './actions.ts';
import { checkpointRef } from './statement.ts';

const NO_KEYS = { ed25519: '', ml_dsa_65: '', ml_dsa_44: '' };

const FORM = 'Write --action NAME, or --action NAME:{"MEMBER": VALUE, ...}.';

function members(text: string): Record<string, Json> {
  try {
    const json = parseHandWritten(text, '--action');
    if (json !== null && typeof json === 'object' && !Array.isArray(json)) return { ...(json as Record<string, Json>) };
  } catch (error) {
    if (!(error instanceof RonError)) throw error;
    throw new RonError('InvalidValue', error.message, { field: '--action', hint: FORM, cause: error });
  }
  throw new RonError('InvalidValue', '--action: a JSON object is expected after the colon', {
    field: '--action',
    hint: FORM,
  });
}

const NO_CHECKPOINT = { origin: '', size: 0, root: '' };

/** What the home knows is filled in by `propose`; a newer checkpoint that was kept elsewhere is given here. */
function restoreInput(given: Record<string, Json>): Action {
  const { prev_checkpoint: known, ...rest } = given;
  const other = Object.keys(rest)[0];
  if (other !== undefined) {
    throw new RonError('InvalidValue', `--action restore-accept: ${other} follows from the restored store`, {
      field: '--action',
      hint: 'Give nothing, or {"prev_checkpoint": {"origin": O, "size": N, "root": HEX}} when a newer one is known.',
    });
  }
  try {
    const prev = known === undefined ? NO_CHECKPOINT : checkpointRef(known, '--action.prev_checkpoint');
    const lost = { from: 0, to: prev.size };
    return {
      name: 'restore-accept',
      prev_origin: prev.origin,
      prev_checkpoint: prev,
      restored_checkpoint: NO_CHECKPOINT,
      lost,
    };
  } catch (error) {
    if (!(error instanceof RonError)) throw error;
    throw new RonError('InvalidValue', error.message, { field: '--action', hint: FORM, cause: error });
  }
}

export function parseActionInput(text: string, scope: Scope): Action {
  const colon = text.indexOf(':');
  const name = colon < 0 ? text : text.slice(0, colon);
  if (!isActionName(name)) {
    const near = nearest(name, ACTION_NAMES);
    throw new RonError('UnknownKey', `there is no action ${JSON.stringify(name)}`, {
      field: '--action',
      hint: near.length === 0 ? `Actions: ${ACTION_NAMES.join(', ')}` : `Nearest: ${near.join(', ')}`,
    });
  }
  const given = colon < 0 ? {} : members(text.slice(colon + 1));
  if (name === 'restore-accept') return restoreInput(given);
  if (name === 'service-key-rotate' || name === 'log-key-rotate') {
    if (colon >= 0)
      throw new RonError('InvalidValue', `--action ${name} takes no JSON: the custody store makes the keys`, {
        field: '--action',
      });
    return { name, new_keys: NO_KEYS };
  }
  const scoped = (name === 'freeze' || name === 'unfreeze') && given['scope'] === undefined ? { scope } : {};
  const removed = name === 'signer-set-change' && given['removed'] === undefined ? { removed: [] } : {};
  try {
    return action({ ...given, ...scoped, ...removed, name }, '--action');
  } catch (error) {
    if (!(error instanceof RonError)) throw error;
    throw new RonError('InvalidValue', error.message, { field: '--action', hint: FORM, cause: error });
  }
}
