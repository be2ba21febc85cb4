// Handlers of the governance and policy routes. Every signed object is verified by the service; here bytes change their
// wrapping only.

import { toBase64 } from '../../bytes/base64.ts';
import { confirmation, numberOf } from '../../kms-api/wire-call.ts';
import {
  executeAnswer,
  ingestAnswer,
  policyAnswer,
  rollbackRequest,
  submitAnswer,
  submitRequest,
  tuneRequest,
} from '../../kms-api/wire-governance.ts';
import { type Handlers, OCTETS } from './route-handler.ts';

type GovernanceRoute =
  | 'submit'
  | 'ingest'
  | 'execute'
  | 'tune'
  | 'rollback'
  | 'listProposals'
  | 'getProposal'
  | 'getStatements'
  | 'getRequest'
  | 'ledger'
  | 'effectivePolicy';

export const GOVERNANCE_HANDLERS: Handlers<GovernanceRoute> = {
  submit: async ({ body }, { kms, call }) => ({
    json: submitAnswer(await kms.governance.submit(submitRequest(body), call)),
  }),
  ingest: async ({ body }, { kms, call }) => ({
    json: ingestAnswer(await kms.governance.ingest(confirmation(body), call)),
  }),
  execute: async ({ params, body }, { kms, call }) => ({
    json: executeAnswer(await kms.governance.execute({ id: params.id, ...confirmation(body) }, call)),
  }),
  tune: async ({ body }, { kms, call }) => ({ json: await kms.governance.tune(tuneRequest(body), call) }),
  rollback: async ({ body }, { kms, call }) => ({ json: await kms.governance.rollback(rollbackRequest(body), call) }),
  listProposals: async ({ query }, { kms, call }) => ({
    json: { proposals: await kms.governance.list(query, call) },
  }),
  getProposal: async ({ params }, { kms, call }) => {
    const { proposal, envelope } = await kms.governance.get({ id: params.id }, call);
    return { json: { proposal, envelope_b64: toBase64(envelope) } };
  },
  getStatements: async ({ params }, { kms, call }) => ({
    json: { statements_b64: (await kms.governance.statements({ id: params.id }, call)).map(toBase64) },
  }),
  getRequest: async ({ params }, { kms, call }) => ({
    bytes: await kms.governance.request({ id: params.id }, call),
    type: OCTETS,
  }),
  ledger: async ({ query }, { kms, call }) => ({
    lines: kms.governance.ledger({ fromSeq: numberOf(query.from_seq, 0) }, call),
  }),
  effectivePolicy: async ({ query }, { kms, call }) => ({
    json: policyAnswer(await kms.policy.effective({ tenant: query.tenant ?? null }, call)),
  }),
};
