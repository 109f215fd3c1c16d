// What the unit tests call: the decisions of icmp/ as plain functions. u64 is BigInt on the other side.
import { mayIcmpErrorLeave } from "./rate-limit";
import { endsConnecting, errnoOfIcmp, isErrorAllowedFor, writeError } from "./unreachable";

export { endsConnecting, errnoOfIcmp, isErrorAllowedFor, mayIcmpErrorLeave, writeError };
