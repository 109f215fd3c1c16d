// A file that appears when it is whole: what arrives is written beside it, to NAME.part, and takes the name at the end. A transfer that
// fails leaves the part and does not touch a file that was there before. Knows nothing of connections.
import { close, fchmod, fsync, open, realpath, rename, type Stats, stat } from "node:fs";
import { promisify } from "node:util";

const openAsync = promisify(open);
const closeAsync = promisify(close);
const chmodAsync = promisify(fchmod);
const flushAsync = promisify(fsync);
const realpathAsync = promisify(realpath);
const renameAsync = promisify(rename);
const statAsync = promisify(stat);

/** Behind the name of a file that is not whole yet. */
export const PART_SUFFIX = ".part";

/** A file that is being received. */
export interface PartFile {
  readonly fd: number;
  /** What is being written to. */
  readonly path: string;
  /** Files are written to at a position; devices, pipes and sockets in order. */
  readonly isSeekable: boolean;
  /** Closes the whole file, whatever happens, and gives it its name. */
  finish(): Promise<void>;
}

/**
 * Opens `path`.part, empty. A link is followed; what is no regular file (a device, a pipe) is written to itself.
 * @param flush - whether `finish` waits until the bytes are on the disk
 * @throws (rejects) the file system's error, with `path`
 */
export async function openPart(path: string, flush: boolean): Promise<PartFile> {
  const before = await statOf(path);
  if (before !== undefined && !before.isFile()) return await openItself(path);
  const whole = before === undefined ? path : await realpathAsync(path);
  const part = `${whole}${PART_SUFFIX}`;
  const fd = await openAsync(part, "w");
  const finish = async (): Promise<void> => {
    await named(part, async () => {
      try {
        if (before !== undefined) await chmodAsync(fd, before.mode & 0o7777);
        if (flush) await flushAsync(fd);
      } finally {
        await closeAsync(fd);
      }
    });
    await renameAsync(part, whole);
  };
  return { fd, path: part, isSeekable: true, finish };
}

/** A directory is refused by this now, not after all has arrived. */
async function openItself(path: string): Promise<PartFile> {
  const fd = await openAsync(path, "w");
  return { fd, path, isSeekable: false, finish: () => named(path, () => closeAsync(fd)) };
}

async function named(path: string, body: () => Promise<void>): Promise<void> {
  try {
    await body();
  } catch (error) {
    throw withPath(error as NodeJS.ErrnoException, path);
  }
}

async function statOf(path: string): Promise<Stats | undefined> {
  try {
    return await statAsync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

/** An error of a call on a descriptor, saying which file it was as those of calls on paths do. */
export function withPath(error: NodeJS.ErrnoException, path: string): NodeJS.ErrnoException {
  if (error.path !== undefined) return error;
  error.path = path;
  error.message = `${error.message} '${path}'`;
  return error;
}
