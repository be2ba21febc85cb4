// Recogniser of the clear files of a home that are not signed themselves: told apart by their `format` or by their members,
// shown as they are. That they are canonical is checked; what authenticates them is named, and is elsewhere.

import type { JsonObject } from '../bytes/canonical-json.ts';
import { type Artefact, type ArtefactKind, membersOf } from './artefact.ts';

interface StateKind {
  readonly kind: ArtefactKind;
  /** Value of the member `format` without its version, or members that must be there. */
  readonly format?: string;
  readonly members?: readonly string[];
  readonly unchecked: string;
}

const KINDS: readonly StateKind[] = [
  { kind: 'home description', format: 'ronctl-home', unchecked: 'everything: nothing signs home.json' },
  { kind: 'file list', format: 'ronctl-backup', unchecked: 'whether the files have these digests' },
  { kind: 'file list', format: 'ronctl-evidence', unchecked: 'whether the files have these digests' },
  { kind: 'file list', format: 'ron-audit-export', unchecked: 'whether the files have these digests' },
  {
    kind: 'public view',
    members: ['v', 'store_id', 'generation', 'keys', 'ledger', 'policy'],
    unchecked: 'everything: its SHA-256 stands as public_sha256 in the audit record that committed it',
  },
  {
    kind: 'log description',
    members: ['v', 'store_id', 'base', 'service_keys', 'epochs'],
    unchecked: 'everything: it is believed only until a genesis is pinned',
  },
  {
    kind: 'pin',
    members: ['genesis_digest', 'name', 'pinned_at'],
    unchecked: 'everything: a pin is what this home was told to believe',
  },
  {
    kind: 'ledger state',
    members: ['v', 'ledger_id', 'seq', 'hash', 'policy', 'overlays'],
    unchecked: 'everything: its SHA-256 stands as state_sha256 in public.json; the ledger itself is the source',
  },
];

const FORMAT = /^([a-z-]+)\/(\d+)$/;

/** Null when the members are of none of these files. `strict` parses the canonical form. */
export function describeState(loose: JsonObject, strict: () => JsonObject): Artefact | null {
  const format = typeof loose['format'] === 'string' ? FORMAT.exec(loose['format']) : null;
  const row = KINDS.find((one) =>
    one.format === undefined
      ? one.members?.every((member) => Object.hasOwn(loose, member)) === true
      : one.format === format?.[1],
  );
  if (row === undefined) return null;
  return {
    kind: row.kind,
    version: format === null ? 1 : Number(format[2]),
    type: null,
    digest: null,
    words: null,
    members: membersOf(strict()),
    signatures: [],
    checks: [{ what: 'the file is in canonical form', ok: true }],
    unchecked: [row.unchecked],
  };
}
