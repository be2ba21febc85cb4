// The topics of the event stream (`tail`, /v1/kms/events), each with what it says. Topics are dotted words; asking for `kms`
// means `kms` and everything below it. An event repeats what log, ledger or state say; it is a notice, not evidence.

export const EVENT_TOPICS = {
  'kms.health': 'a key of /readyz changed its level',
  'kms.ready': '/readyz turned true or false',
  'kms.shutdown': 'the drain began, or ended',
  'kms.config.updated': 'a reload was accepted: SHA-256 of what is in force now, and the names that changed',
  'kms.config.refused': 'a reload was refused: the names and the reason',
  'kms.audit.checkpoint': 'a checkpoint was signed, or could not be',
  'kms.audit.gap': 'the log declares that something is missing',
  'kms.attestation.status': 'the attestation came, went or failed',
  'kms.backend.status': 'the custody backend came or went',
  'kms.policy.hint': 'a policy value in force changed: mode and percent of the scope, or the key that was tuned',
  'kms.pq.downgrade': 'a session or object was less than hybrid where hybrid was wanted',
  'kms.pq.reject_trigger': 'refusals by the post-quantum policy rise: a rollback is prepared, never done (D-21)',
  'kms.key.created': 'a key was made',
  'kms.key.rotated': 'a key has a new version',
  'kms.key.retired': 'the private half of a version is gone',
  'kms.capability.minted': 'a capability was minted',
  'kms.capability.revoked': 'a capability was revoked',
  'governance.proposed': 'a proposal came into the ledger',
  'governance.statement': 'a vote, retraction, withdrawal or escalation came into the ledger',
  'governance.approved': 'a proposal has its quorum',
  'governance.executed': 'a proposal was executed',
  'governance.failed': 'an effect of an approved proposal turned out to be impossible',
  'governance.frozen': 'a freeze is in force',
  'governance.unfrozen': 'a freeze is over',
  'governance.refused': 'a file was refused at its ingest',
  'governance.rollback': 'a pre-authorised rollback was used',
  'governance.closed': 'a proposal was rejected, withdrawn, suspended, or ran out of time',
} as const satisfies Readonly<Record<string, string>>;

export type EventTopic = keyof typeof EVENT_TOPICS;

/** Stands in the stream where a slow reader missed events; `data.missed` is their number, null where nobody knows. */
export const LAGGED = 'lagged';

/** `kms` fits `kms` and `kms.audit.checkpoint`, not `kmsx`; null fits all. */
export function topicFits(topic: string, wanted: string | null): boolean {
  return wanted === null || topic === wanted || topic.startsWith(`${wanted}.`);
}
