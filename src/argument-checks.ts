// Checks of single values that users hand in, with Node's errors. What a value means, and its range, the caller knows.
import { invalidType, outOfRange } from "./errors.ts";

/**
 * Checks that a value is an integer in a range.
 * @throws TypeError (`ERR_INVALID_ARG_TYPE`), RangeError (`ERR_OUT_OF_RANGE`)
 */
export function integer(name: string, value: unknown, least: number, most: number): number {
  if (typeof value !== "number") throw invalidType(name, `${least}..${most}`, value);
  if (!Number.isInteger(value)) throw outOfRange(name, `an integer in ${least}..${most}`, value);
  if (value < least || value > most) throw outOfRange(name, `${least}..${most}`, value);
  return value;
}

/** Checks that a value is an object. @throws TypeError (`ERR_INVALID_ARG_TYPE`) */
export function object<T>(name: string, value: T): NonNullable<T> {
  if (typeof value !== "object" || value === null) throw invalidType(name, "an object", value);
  return value;
}

/** Checks that a value is true or false. @throws TypeError (`ERR_INVALID_ARG_TYPE`) */
export function boolean(name: string, value: unknown): boolean {
  if (typeof value !== "boolean") throw invalidType(name, "a boolean", value);
  return value;
}
