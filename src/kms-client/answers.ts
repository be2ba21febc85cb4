// JSON answers of the service, checked against the schema of their route before anything reads them (API-12). The schemas are
// loaded with the first answer.

import { RonError } from '../errors.ts';
import type { Call } from '../kms/ports.ts';
import { loadSchemas, type RouteSchemas, type Schemas, type Wire } from '../kms-api/schemas.ts';
import { checked } from '../kms-api/wire-check.ts';
import type { Exchange, Parts } from './exchange.ts';
import { badAnswer } from './failure.ts';

/** Routes that answer in JSON. */
export type AnsweredRoute = {
  [Id in keyof Schemas]: 'answer' extends keyof Schemas[Id] ? Id : never;
}[keyof Schemas];

export interface Answers {
  readonly name: string;
  /** `read` makes the port's result of a checked answer. Throws Unreachable for an answer that does not fit. */
  ask<Id extends AnsweredRoute, T>(
    id: Id,
    call: Call,
    parts: Parts,
    read: (answer: Wire<Id, 'answer'>) => T,
  ): Promise<T>;
}

export function answersOf(exchange: Exchange): Answers {
  return {
    name: exchange.name,
    async ask(id, call, parts, read) {
      const [json, schemas] = await Promise.all([exchange.json(id, call, parts), loadSchemas()]);
      try {
        const { answer }: RouteSchemas = schemas[id];
        return read(checked(answer, json, 'the answer') as Wire<typeof id, 'answer'>);
      } catch (error) {
        if (!(error instanceof RonError) || (error.code !== 'Malformed' && error.code !== 'InvalidValue')) throw error;
        throw badAnswer(exchange.name, error.message);
      }
    },
  };
}
