// What the doctor would say of an interface and an address. Changes nothing.
import { diagnose } from "wasmtcp";

for (const { level, subject, message, cure } of await diagnose({ interface: "left", address: "10.0.0.1/24" })) {
  if (level === "problem") console.log(`${subject}: ${message}\n  cure: ${cure}`);
}
