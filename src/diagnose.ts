// The doctor's door: what it knows is loaded when somebody asks.
import type { DiagnoseOptions } from "./doctor/diagnose.ts";
import type { Finding } from "./doctor/finding.ts";

/**
 * Examines the machine. Changes nothing; with an address one ARP probe is sent.
 * @throws (rejects) TypeError: the address is none
 */
export async function diagnose(options: DiagnoseOptions = {}): Promise<Finding[]> {
  const doctor = await import("./doctor/diagnose.ts");
  return await doctor.diagnose(options);
}
