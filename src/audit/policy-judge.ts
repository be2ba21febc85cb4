// Which witnesses of a policy have cosigned a note, and whether they are a quorum (log page 4.8, 4.11). Lines of unknown keys
// are ignored; a bad line of a known witness is reported and refuses the note (signed-note rule). A cosignature whose time is
// 0, or over 5 minutes ahead, does not count. The log's own signatures are judged by audit/checkpoint.ts.

import type { Crypto } from '../crypto/provider.ts';
import type { Note } from '../envelope/note.ts';
import { createCosignatureVerifier } from './cosignature.ts';
import { meetsQuorum, type PolicyWitness, policyLabel, type WitnessPolicy } from './policy.ts';

const AHEAD_S = 300;

export interface Cosigned {
  /** Of the policy. */
  readonly witness: string;
  /** Key name. */
  readonly key: string;
  /** Seconds. */
  readonly timestamp: number;
}

export interface QuorumVerdict {
  readonly met: boolean;
  readonly cosigned: readonly Cosigned[];
  /** Names of witnesses without a line that counts. */
  readonly missing: readonly string[];
  /** Names of witnesses whose line is wrong for this note. */
  readonly bad: readonly string[];
}

export interface PolicyJudge {
  readonly policy: WitnessPolicy;
  judge(note: Note, nowMs: number): QuorumVerdict;
}

/** Keys are imported once. Throws Malformed for a key that no library would accept. */
export function createPolicyJudge(policy: WitnessPolicy, crypto: Crypto, file = 'policy'): PolicyJudge {
  const witnesses = policy.witnesses.map((witness) => ({
    witness,
    verifier: createCosignatureVerifier(witness.vkey, crypto, `${file}: line ${witness.line}`),
  }));
  const judge = (note: Note, nowMs: number): QuorumVerdict => {
    const cosigned: Cosigned[] = [];
    const bad: string[] = [];
    const missing: string[] = [];
    const counted = new Set<string>();
    const latest = Math.floor(nowMs / 1000) + AHEAD_S;
    const say = (list: string[], { name }: PolicyWitness): void => {
      list.push(policyLabel(name));
    };
    for (const { witness, verifier } of witnesses) {
      const { name, keyId } = witness.vkey;
      const lines = note.signatures.filter((one) => one.name === name && one.keyId === keyId);
      const times = lines.map((one) => verifier.check(note.text, one.signature));
      if (times.includes(null)) say(bad, witness);
      const counting = times.filter((time) => time !== null && time > 0 && time <= latest);
      if (times.includes(null) || counting.length === 0) {
        if (!times.includes(null)) say(missing, witness);
        continue;
      }
      counted.add(witness.name);
      cosigned.push({ witness: policyLabel(witness.name), key: name, timestamp: Math.max(...(counting as number[])) });
    }
    return { met: bad.length === 0 && meetsQuorum(policy, counted), cosigned, missing, bad };
  };
  return { policy, judge };
}
