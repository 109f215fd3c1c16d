// The table of errors.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { ECONNREFUSED, EHOSTUNREACH, ETIMEDOUT } from "../../assembly/layout.ts";
import {
  AbortError,
  ConnectionRefusedError,
  closedError,
  invalidType,
  NetstackError,
  netstackError,
  outOfRange,
  TimedOutError,
  UnreachableError,
} from "../../src/errors.ts";

const errors = suite("src/errors");

errors("carry Node's code, errno, syscall, address and port", () => {
  const error = netstackError(ECONNREFUSED, { syscall: "connect", address: "10.0.0.1", port: 80 });
  assert.instance(error, ConnectionRefusedError);
  assert.instance(error, NetstackError);
  assert.is(error.name, "ConnectionRefusedError");
  assert.is(error.code, "ECONNREFUSED");
  assert.is(error.errno, -111);
  assert.is(error.syscall, "connect");
  assert.is(error.address, "10.0.0.1");
  assert.is(error.port, 80);
  assert.is(error.message, "connect ECONNREFUSED 10.0.0.1:80: connection refused");
});

errors("have a class for each kind of failure", () => {
  assert.instance(netstackError(ETIMEDOUT), TimedOutError);
  assert.instance(netstackError(EHOSTUNREACH), UnreachableError);
  assert.is(netstackError(9999).code, "EUNKNOWN");
});

errors("say the detail instead of the table's words", () => {
  assert.is(netstackError(ETIMEDOUT, { syscall: "open" }, "too late").message, "open ETIMEDOUT: too late");
});

errors("of options say what was expected and what came", () => {
  const range = outOfRange("mtu", "68..65535", 12);
  assert.instance(range, RangeError);
  assert.is(range.message, "Expected `mtu` to be 68..65535, got `12` (number)");
  assert.is((range as { code?: unknown }).code, "ERR_OUT_OF_RANGE");
  const type = invalidType("mtu", "68..65535", null);
  assert.instance(type, TypeError);
  assert.is(type.message, "Expected `mtu` to be 68..65535, got `null` (null)");
  assert.is((type as { code?: unknown }).code, "ERR_INVALID_ARG_TYPE");
  assert.is(invalidType("a", "b", [1, "x"]).message, "Expected `a` to be b, got `[1, x]` (object)");
});

errors("of a closed thing name the thing", () => {
  assert.is(closedError("stack").code, "ERR_STACK_CLOSED");
  assert.is(closedError("listener", "accept").code, "ERR_SOCKET_CLOSED");
  assert.is(closedError("listener", "accept").message, "accept: the listener is closed");
});

errors("of a signal have Node's name and code, and its reason as cause", () => {
  const controller = new AbortController();
  controller.abort("enough");
  const error = new AbortError(controller.signal);
  assert.is(error.name, "AbortError");
  assert.is(error.code, "ABORT_ERR");
  assert.is(error.cause, "enough");
});

errors.run();
