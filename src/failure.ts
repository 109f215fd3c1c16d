// Errors on their way from a worker to main: structured cloning would take their code off. Both ends of it.
import { NetstackError } from "./errors.ts";
import type { Failure } from "./protocol.ts";

/**
 * An error as a message.
 * @param code - for an error that has none
 */
export function failureOf(error: unknown, code: string): Failure {
  const { message, code: own, errno, syscall } = error as Partial<NodeJS.ErrnoException>;
  return {
    message: message ?? String(error),
    code: typeof own === "string" ? own : code,
    errno: typeof errno === "number" ? errno : undefined,
    syscall: typeof syscall === "string" ? syscall : undefined,
  };
}

/** The message as an error. */
export function failureError({ code, message, errno, syscall }: Failure): NetstackError {
  return new NetstackError(code, message, { syscall }, errno);
}
