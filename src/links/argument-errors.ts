// The errors that options of links raise, with Node's codes. Messages say what was expected and what came; they are
// written where the check is.

/**
 * The error for an argument of the wrong form.
 * @returns a TypeError with code `ERR_INVALID_ARG_VALUE`
 */
export function argumentError(message: string): TypeError {
  return Object.assign(new TypeError(message), { code: "ERR_INVALID_ARG_VALUE" });
}

/**
 * The error for a number outside of its range.
 * @returns a RangeError with code `ERR_OUT_OF_RANGE`
 */
export function rangeError(message: string): RangeError {
  return Object.assign(new RangeError(message), { code: "ERR_OUT_OF_RANGE" });
}
