/** Errors as RFC 9457 problem+json, with the stable code of the fault table. */
import type { FastifyError, FastifyInstance, FastifyReply } from 'fastify';
import { Fault, problemOf } from '../../domain/index.ts';

type Details = readonly { readonly at: string; readonly detail: string }[];

export function registerProblems(app: FastifyInstance): void {
  app.setErrorHandler((error: FastifyError | Fault, request, reply) => {
    const fault = toFault(error);
    if (fault.spec.status >= 500) request.log.error({ err: error, code: fault.code }, 'failed');
    send(reply, fault, validationProblems(error));
  });
  app.setNotFoundHandler((request, reply) => {
    send(reply, new Fault('NOT_FOUND', { what: `${request.method} ${request.url}` }));
  });
}

function send(reply: FastifyReply, fault: Fault, problems?: Details): void {
  if (fault.spec.retry && fault.spec.status === 503) reply.header('retry-after', '5');
  if (fault.code === 'UNAUTHENTICATED') reply.header('www-authenticate', 'Bearer');
  reply
    .code(fault.spec.status)
    .type('application/problem+json')
    .send({ ...problemOf(fault.code, fault.message), ...(problems && { problems }) });
}

function toFault(error: FastifyError | Fault): Fault {
  if (error instanceof Fault) return error;
  if (error.validation !== undefined) return new Fault('BAD_REQUEST', { detail: error.message });
  const status = error.statusCode ?? 500;
  if (status === 413) return new Fault('PAYLOAD_TOO_LARGE', { bytes: '?', max: '?' });
  if (status < 500) return new Fault('BAD_REQUEST', { detail: error.message });
  // What went wrong inside is for the log, not for the caller.
  return new Fault('INTERNAL');
}

function validationProblems(error: FastifyError | Fault): Details | undefined {
  if (error instanceof Fault || error.validation === undefined) return undefined;
  return error.validation.map((v) => ({
    at: `${error.validationContext ?? ''}${v.instancePath}`,
    detail: v.message ?? 'invalid',
  }));
}
