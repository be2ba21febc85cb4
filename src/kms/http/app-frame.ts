// What every router of the server has, whatever its routes: the context of a request, the checks of its head, the limit of
// writing, and one error envelope for each refusal, known path or not.

import type { FastifyInstance, FastifyRequest } from 'fastify';
import { fail, RonError } from '../../errors.ts';
import { type KnownPath, refuseUnknown } from './known-paths.ts';
import { Refusal } from './refusal.ts';
import { limitWriting, sendError } from './reply-answer.ts';
import type { RequestContext } from './request-context.ts';
import { checkHead, hasUnreadBody } from './request-head.ts';
import type { Listen, ServerParts } from './server-parts.ts';
import type { Traffic } from './traffic.ts';

export interface Frame {
  /** What the router answers on a listener. */
  paths(listener: Listen['kind']): readonly KnownPath[];
  /** After the head, before a byte of the body is read. */
  admit(request: FastifyRequest, context: RequestContext): void;
}

/** Codes of the framework that a request can cause. */
function translated(thrown: unknown): unknown {
  if (!(thrown instanceof Error) || thrown instanceof RonError || !('statusCode' in thrown)) return thrown;
  const { statusCode } = thrown;
  if (statusCode === 415) {
    const why = 'content-type: application/json is expected';
    return new Refusal('Unsupported', why, { status: 415, reason: 'unsupported' });
  }
  if (statusCode === 413) return new RonError('TooLarge', 'the body is too large');
  return typeof statusCode === 'number' && statusCode < 500 ? new RonError('Malformed', 'not a valid request') : thrown;
}

export function addFrame(app: FastifyInstance, parts: ServerParts, traffic: Traffic, frame: Frame): void {
  app.decorateRequest('context', null);
  app.addHook('onRequest', (request, reply, done) => {
    const context = traffic.begin(request, reply);
    try {
      checkHead(request.raw);
    } catch (thrown) {
      // Whoever sends such a head is not understood further on either.
      void reply.header('connection', 'close');
      done(thrown as Error);
      return;
    }
    try {
      if (request.is404) refuseUnknown(request.url, frame.paths(context.listener));
      frame.admit(request, context);
      done();
    } catch (thrown) {
      done(thrown as Error);
    }
  });
  app.addHook('onSend', (_request, reply, payload, done) => {
    // Most answers have left by then.
    setImmediate(limitWriting, reply.raw, parts.config().write_timeout_ms);
    done(null, payload);
  });
  // Unknown paths are refused before this; without it they would not get as far as the hooks.
  app.setNotFoundHandler(() => fail('NotFound', 'there is no such route'));
  app.setErrorHandler((thrown, request, reply) => {
    const known = translated(thrown);
    const context = traffic.contextOf(request);
    traffic.refused(context, known);
    if (hasUnreadBody(request.raw)) void reply.header('connection', 'close');
    return sendError(reply, context, known, parts);
  });
}
