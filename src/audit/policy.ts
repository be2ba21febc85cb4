// C2SP tlog-policy (c2sp.org/tlog-policy, log page 4.11): which logs are accepted and which witnesses must have cosigned.
//   log <vkey> [<url>]      witness <name> <vkey> [<url>]      group <name> all|any|<k> <name>...      quorum <name>|none
// Names are opaque octets: they are kept as Latin-1 text, one character per octet. Everything that is wrong is reported, with
// its line; a policy with one problem is not used. Refused besides: keys of other types than 01 and 06 for logs, 04 and 06
// for witnesses, more than 64 of a kind.

import { fromUtf8 } from '../bytes/text.ts';
import { NOTE_TYPES, parseVkey, type Vkey } from '../envelope/note.ts';
import { RonError } from '../errors.ts';

export const POLICY_BYTES_MAX = 512 * 1024;
const EACH_MAX = 64;
/** The quorum that needs no cosignature. */
export const NO_QUORUM = 'none';

export interface PolicyKey {
  /** From 1. */
  readonly line: number;
  readonly vkey: Vkey;
  readonly url: string | null;
}

export interface PolicyWitness extends PolicyKey {
  readonly name: string;
}

export interface PolicyGroup {
  readonly line: number;
  readonly name: string;
  readonly rule: 'all' | 'any' | 'count';
  /** So many members must have witnessed. */
  readonly threshold: number;
  readonly members: readonly string[];
}

export interface WitnessPolicy {
  readonly logs: readonly PolicyKey[];
  readonly witnesses: readonly PolicyWitness[];
  readonly groups: readonly PolicyGroup[];
  /** Name of a witness or group, or `none`. */
  readonly quorum: string;
  readonly quorumLine: number;
}

export interface PolicyProblem {
  /** From 1; 0 for the file as a whole. */
  readonly line: number;
  readonly message: string;
}

export interface ReadPolicy {
  /** Null when there is a problem. */
  readonly policy: WitnessPolicy | null;
  readonly problems: readonly PolicyProblem[];
}

/** A name for people: UTF-8 where it is, else escaped. */
export function policyLabel(name: string): string {
  return fromUtf8(Buffer.from(name, 'latin1')) ?? JSON.stringify(name);
}

const keyHex = (key: PolicyKey): string => Buffer.from(key.vkey.publicKey).toString('hex');

class PolicyReader {
  readonly problems: PolicyProblem[] = [];
  readonly #logs: PolicyKey[] = [];
  readonly #witnesses: PolicyWitness[] = [];
  readonly #groups: PolicyGroup[] = [];
  /** Line of each name. */
  readonly #names = new Map<string, number>([[NO_QUORUM, 0]]);
  readonly #memberOf = new Map<string, string>();
  #quorum: { readonly name: string; readonly line: number } | null = null;

  read(bytes: Uint8Array): ReadPolicy {
    const lines = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1').split('\n');
    lines.forEach((text, at) => {
      this.#line(text, at + 1);
    });
    if (this.#quorum === null && !this.problems.some((one) => one.message.includes('quorum'))) {
      this.#say(0, 'no quorum line; write `quorum none` when no cosignature is wanted');
    }
    if (this.problems.length > 0 || this.#quorum === null) return { policy: null, problems: this.problems };
    const { name, line } = this.#quorum;
    const [logs, witnesses, groups] = [this.#logs, this.#witnesses, this.#groups];
    return { policy: { logs, witnesses, groups, quorum: name, quorumLine: line }, problems: [] };
  }

  #say(line: number, message: string): void {
    this.problems.push({ line, message });
  }

  #line(text: string, line: number): void {
    const control = /[\u0000-\u0008\u000a-\u001f\u007f]/.exec(text);
    if (control !== null) {
      const code = control[0].charCodeAt(0).toString(16).padStart(2, '0');
      this.#say(line, `the control character 0x${code}; only tab and line feed are allowed`);
      return;
    }
    const items = text.split(/[ \t]+/).filter((item) => item !== '');
    const [keyword, ...rest] = items;
    if (keyword === undefined || keyword.startsWith('#')) return;
    if (keyword === 'log') this.#log(rest, line);
    else if (keyword === 'witness') this.#witness(rest, line);
    else if (keyword === 'group') this.#group(rest, line);
    else if (keyword === 'quorum') this.#setQuorum(rest, line);
    else this.#say(line, `unknown keyword ${JSON.stringify(policyLabel(keyword).slice(0, 40))}`);
  }

  #log(items: readonly string[], line: number): void {
    if (items.length < 1 || items.length > 2) {
      this.#say(line, 'a log line is `log <vkey> [<url>]`');
      return;
    }
    const log = this.#key(items[0]!, items[1], line, [NOTE_TYPES.ed25519, NOTE_TYPES.mlDsa44Cosignature]);
    if (log === null) return;
    const same = this.#logs.find((one) => keyHex(one) === keyHex(log));
    if (same !== undefined) this.#say(line, `duplicate log: the same public key as in line ${same.line}`);
    this.#add(this.#logs, log, 'logs', line);
  }

  #witness(items: readonly string[], line: number): void {
    if (items.length < 2 || items.length > 3) {
      this.#say(line, 'a witness line is `witness <name> <vkey> [<url>]`');
      return;
    }
    const types = [NOTE_TYPES.ed25519Cosignature, NOTE_TYPES.mlDsa44Cosignature];
    const key = this.#key(items[1]!, items[2], line, types);
    // The name counts although its key is wrong, so that nothing is said twice.
    this.#name(items[0]!, line);
    if (key === null) return;
    const same = this.#witnesses.find((one) => keyHex(one) === keyHex(key));
    if (same !== undefined) this.#say(line, `duplicate witness: the same public key as in line ${same.line}`);
    this.#add(this.#witnesses, { name: items[0]!, ...key }, 'witnesses', line);
  }

  #group(items: readonly string[], line: number): void {
    const [name, rule, ...members] = items;
    if (name === undefined || rule === undefined || members.length === 0) {
      this.#say(line, 'a group line is `group <name> all|any|<k> <name>...`');
      return;
    }
    const count = /^[1-9][0-9]{0,3}$/.test(rule) ? Number(rule) : null;
    const threshold = rule === 'all' ? members.length : rule === 'any' ? 1 : count;
    if (threshold === null || threshold > members.length) {
      this.#say(line, `the threshold is all, any or a number from 1 to ${members.length}`);
    }
    for (const member of members) this.#member(member, name, line);
    this.#name(name, line);
    const kind = rule === 'all' || rule === 'any' ? rule : 'count';
    this.#add(this.#groups, { line, name, rule: kind, threshold: threshold ?? 1, members }, 'groups', line);
  }

  #member(member: string, group: string, line: number): void {
    const shown = policyLabel(member);
    if (member === NO_QUORUM) this.#say(line, '`none` cannot be a group member');
    else if (!this.#names.has(member)) this.#say(line, `undefined name ${shown}; it must stand in an earlier line`);
    else if (this.#memberOf.has(member)) {
      this.#say(line, `${shown} is already a member of ${policyLabel(this.#memberOf.get(member)!)}`);
    } else this.#memberOf.set(member, group);
  }

  #setQuorum(items: readonly string[], line: number): void {
    const [name] = items;
    if (name === undefined || items.length !== 1) this.#say(line, 'a quorum line is `quorum <name>` or `quorum none`');
    else if (this.#quorum !== null) this.#say(line, `a second quorum line; the first is line ${this.#quorum.line}`);
    else if (!this.#names.has(name))
      this.#say(line, `the quorum names ${policyLabel(name)}, which no earlier line defines`);
    else this.#quorum = { name, line };
  }

  #name(name: string, line: number): void {
    const before = this.#names.get(name);
    if (before === undefined) this.#names.set(name, line);
    else
      this.#say(
        line,
        `duplicate name ${policyLabel(name)}${before === 0 ? ', which is predefined' : ` (line ${before})`}`,
      );
  }

  #key(text: string, url: string | undefined, line: number, types: readonly number[]): PolicyKey | null {
    const decoded = fromUtf8(Buffer.from(text, 'latin1'));
    try {
      const vkey = parseVkey(decoded ?? '', 'vkey');
      if (!types.includes(vkey.type)) {
        this.#say(
          line,
          `a key of type 0${vkey.type}; ${types.map((type) => `0${type}`).join(' or ')} is expected here`,
        );
        return null;
      }
      return { line, vkey, url: url === undefined ? null : policyLabel(url) };
    } catch (error) {
      if (!(error instanceof RonError)) throw error;
      this.#say(line, error.message);
      return null;
    }
  }

  #add<T>(list: T[], item: T, what: string, line: number): void {
    if (list.length === EACH_MAX) this.#say(line, `more than ${EACH_MAX} ${what}`);
    if (list.length <= EACH_MAX) list.push(item);
  }
}

/** Syntax and references; `lintPolicy` judges what a policy means. */
export function readPolicy(bytes: Uint8Array): ReadPolicy {
  if (bytes.length > POLICY_BYTES_MAX) {
    return { policy: null, problems: [{ line: 0, message: `longer than ${POLICY_BYTES_MAX} bytes` }] };
  }
  return new PolicyReader().read(bytes);
}

/**
 * Whether the witnesses in `cosigned` (by name) are a quorum. A witness is one leaf of a tree in which every name is a member
 * at most once, so that it counts once.
 */
export function meetsQuorum(policy: WitnessPolicy, cosigned: ReadonlySet<string>): boolean {
  const groups = new Map(policy.groups.map((group) => [group.name, group]));
  const met = (name: string): boolean => {
    const group = groups.get(name);
    if (group === undefined) return cosigned.has(name);
    return group.members.filter((member) => met(member)).length >= group.threshold;
  };
  return policy.quorum === NO_QUORUM || met(policy.quorum);
}
