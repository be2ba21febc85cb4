// The Governance, Policy, Audit, Capabilities and Health ports over the network. Signed objects come as their bytes and are
// verified by whoever asked; nothing here believes them.

import type { Audit, Capabilities, Governance, Health, Policy } from '../kms/admin-ports.ts';
import { capabilitiesResult, eventOfLine, mintBody, statusResult } from '../kms-api/wire-admin.ts';
import { callMembers, confirmMember } from '../kms-api/wire-call.ts';
import {
  executeResult,
  ingestBody,
  ingestResult,
  policyResult,
  proposalResult,
  rollbackBody,
  rollbackResult,
  statementsResult,
  submitBody,
  submitResult,
  tuneBody,
  tuneResult,
} from '../kms-api/wire-governance.ts';
import type { Answers } from './answers.ts';
import type { Exchange } from './exchange.ts';
import { badAnswer } from './failure.ts';

export interface AdminPorts {
  readonly governance: Governance;
  readonly policy: Policy;
  readonly audit: Audit;
  readonly capabilities: Capabilities;
  readonly health: Health;
}

export function adminClient(exchange: Exchange, answers: Answers): AdminPorts {
  const governance: Governance = {
    list: ({ status }, call) =>
      answers.ask(
        'listProposals',
        call,
        { query: status === undefined ? {} : { status } },
        ({ proposals }) => proposals,
      ),
    get: ({ id }, call) => answers.ask('getProposal', call, { params: { id } }, proposalResult),
    statements: ({ id }, call) => answers.ask('getStatements', call, { params: { id } }, statementsResult),
    submit: (request, call) => answers.ask('submit', call, { body: submitBody(request, call) }, submitResult),
    ingest: (request, call) => answers.ask('ingest', call, { body: ingestBody(request, call) }, ingestResult),
    execute: (request, call) => {
      const body = { ...confirmMember(request), ...callMembers(call) };
      return answers.ask('execute', call, { params: { id: request.id }, body }, (answer) => {
        if (answer.id !== request.id) throw badAnswer(answers.name, 'an answer about another proposal');
        return executeResult(answer);
      });
    },
    tune: (request, call) => answers.ask('tune', call, { body: tuneBody(request, call) }, tuneResult),
    rollback: (request, call) => answers.ask('rollback', call, { body: rollbackBody(request, call) }, rollbackResult),
    request: ({ id }, call) => exchange.bytes('getRequest', call, { params: { id } }),
    ledger: ({ fromSeq }, call) => exchange.lines('ledger', call, { query: { from_seq: String(fromSeq) } }),
  };

  const policy: Policy = {
    effective: ({ tenant }, call) =>
      answers.ask('effectivePolicy', call, { query: tenant === null ? {} : { tenant } }, policyResult),
  };

  const range = (from: number, to: number) => ({ query: { from: String(from), to: String(to) } });
  const audit: Audit = {
    checkpoint: (request, call) =>
      answers.ask(
        'auditCheckpoint',
        call,
        { body: { ...confirmMember(request), ...callMembers(call) } },
        (answer) => answer,
      ),
    head: (_, call) => answers.ask('auditHead', call, {}, (answer) => answer),
    records: ({ from, to }, call) => exchange.lines('auditRecords', call, range(from, to)),
    tile: ({ level, n, width }, call) =>
      exchange.bytes('auditTile', call, { query: { level: String(level), n: String(n), width: String(width) } }),
    inclusion: ({ index }, call) => exchange.bytes('auditInclusion', call, { query: { index: String(index) } }),
    consistency: ({ from, to }, call) => answers.ask('auditConsistency', call, range(from, to), ({ hashes }) => hashes),
  };

  const capabilities: Capabilities = {
    mint: (request, call) => answers.ask('mint', call, { body: mintBody(request, call) }, (answer) => answer),
    register: ({ token }, call) =>
      answers.ask('register', call, { body: { token, ...callMembers(call) } }, (answer) => answer),
    revoke: ({ id }, call) => answers.ask('revoke', call, { body: { id, ...callMembers(call) } }, (answer) => answer),
    rotate: ({ now }, call) =>
      answers.ask('rotateCaps', call, { body: { now, ...callMembers(call) } }, (answer) => answer),
    list: (_, call) => answers.ask('listCaps', call, {}, capabilitiesResult),
  };

  const health: Health = {
    status: (_, call) => answers.ask('status', call, {}, statusResult),
    async *events({ topic, sinceMs }, call) {
      const query = {
        ...(topic === null ? {} : { topic }),
        ...(sinceMs === null ? {} : { since_ms: String(sinceMs) }),
      };
      for await (const line of exchange.lines('events', call, { query }, true)) {
        // An empty line keeps the connection alive.
        if (line.length > 0) yield eventOfLine(new TextDecoder().decode(line));
      }
    },
  };
  return { governance, policy, audit, capabilities, health };
}
