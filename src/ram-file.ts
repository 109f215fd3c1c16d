// Whether a file lies in memory: then reading and writing it is a copy, as between a ring and a buffer, and takes less than handing
// it to a thread of libuv's pool. Linux's statfs(2) says so. Knows nothing of transfers.
import { statfs } from "node:fs";
import { promisify } from "node:util";

const statfsAsync = promisify(statfs);

/** tmpfs and ramfs, linux/magic.h. */
const IN_MEMORY: ReadonlySet<number> = new Set([0x01021994, 0x858458f6]);

/** Whether an open regular file is one of tmpfs or ramfs; false when the system does not say. */
export async function isInMemory(fd: number): Promise<boolean> {
  try {
    // The file itself, whatever its name stands for by now.
    return IN_MEMORY.has((await statfsAsync(`/proc/self/fd/${fd}`)).type);
  } catch {
    return false;
  }
}
