// A file that appears when it is whole: what arrives is written beside it, to NAME.part, and takes the name at the end. A transfer that
// fails leaves the part and does not touch a file that was there before. Knows nothing of connections.
import { close, constants, fchmod, fstat, fsync, ftruncate, open, realpath, rename, type Stats, stat } from "node:fs";
import { promisify } from "node:util";
import { isInMemory } from "./ram-file.ts";

const openAsync = promisify(open);
const closeAsync = promisify(close);
const chmodAsync = promisify(fchmod);
const flushAsync = promisify(fsync);
const fstatAsync = promisify(fstat);
const truncateAsync = promisify(ftruncate);
const realpathAsync = promisify(realpath);
const renameAsync = promisify(rename);
const statAsync = promisify(stat);

/** EBUSY's number. */
const EBUSY = 16;
/** Device and inode of each part that this thread writes: two transfers into one would give a mixture the name of a whole file. */
const inUse = new Set<string>();

/** Behind the name of a file that is not whole yet. */
const PART_SUFFIX = ".part";

/** A file that is being sent or received. */
export interface OpenFile {
  readonly fd: number;
  /** What is being read or written. */
  readonly path: string;
  /** Files of tmpfs and ramfs. */
  readonly isInMemory: boolean;
}

/** A file that is being received. */
export interface PartFile extends OpenFile {
  /** Files are written to at a position; devices, pipes and sockets in order. */
  readonly isSeekable: boolean;
  /** Closes the whole file, whatever happens, and gives it its name. */
  finish(): Promise<void>;
  /** After a failure, when `fd` is closed: another transfer may write the part. */
  release(): void;
}

/**
 * Opens `path`.part, empty. A link is followed; what is no regular file (a device, a pipe) is written to itself.
 * @param flush - whether `finish` waits until the bytes are on the disk
 * @throws (rejects) the file system's error, with `path`; `EBUSY` if another transfer is writing the part
 */
export async function openPart(path: string, flush: boolean): Promise<PartFile> {
  const before = await statOf(path);
  if (before !== undefined && !before.isFile()) return await openItself(path);
  const whole = before === undefined ? path : await realpathAsync(path);
  const part = `${whole}${PART_SUFFIX}`;
  // Emptied only when it is known to be ours.
  const fd = await openAsync(part, constants.O_WRONLY | constants.O_CREAT);
  const release = await claim(fd, part);
  const finish = async (): Promise<void> => {
    try {
      await named(part, async () => {
        try {
          if (before !== undefined) await chmodAsync(fd, before.mode & 0o7777);
          if (flush) await flushAsync(fd);
        } finally {
          await closeAsync(fd);
        }
      });
      await renameAsync(part, whole);
    } finally {
      release();
    }
  };
  return { fd, path: part, isSeekable: true, isInMemory: await isInMemory(fd), finish, release };
}

/** Makes a part one transfer's own, and empties it. @returns what gives it up */
async function claim(fd: number, part: string): Promise<() => void> {
  let key: string | undefined;
  try {
    const { dev, ino } = await fstatAsync(fd, { bigint: true });
    const found = `${dev}:${ino}`;
    if (inUse.has(found)) throw busyError();
    inUse.add(found);
    key = found;
    await truncateAsync(fd);
    return () => void inUse.delete(found);
  } catch (error) {
    await closeAsync(fd).catch(() => {}); // why it failed counts more
    if (key !== undefined) inUse.delete(key);
    throw withPath(error as NodeJS.ErrnoException, part);
  }
}

function busyError(): NodeJS.ErrnoException {
  const error: NodeJS.ErrnoException = new Error("EBUSY: another transfer is writing the file, open");
  return Object.assign(error, { code: "EBUSY", errno: -EBUSY, syscall: "open" });
}

/** A directory is refused by this now, not after all has arrived. */
async function openItself(path: string): Promise<PartFile> {
  const fd = await openAsync(path, "w");
  const finish = (): Promise<void> => named(path, () => closeAsync(fd));
  return { fd, path, isSeekable: false, isInMemory: false, finish, release: () => {} };
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
