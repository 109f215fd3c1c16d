// Where the threads of a process with a stack may run, as the kernel tells it: the worker goes where it is told, or keeps off the
// processors of RPS; all other threads stay. What is expected is computed from the processors of this machine, of which there may be one.
import { readdirSync, readFileSync } from "node:fs";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { cpusBeside, formatCpuList } from "../../src/cpu-set.ts";
import { loadAddon } from "../../src/native.ts";
import { hasPrivileges, type Running, type Side, TwoHosts, WiredHosts } from "../support/namespaces.ts";

const CLI = "dist/src/cli/main.js";
const AUTO = ["--affinity", "auto"];

const affinity = suite("e2e/affinity");

/** Has the kernel receive the interface's frames on one processor. */
function steer(hosts: TwoHosts | WiredHosts, side: Side, cpu: number): void {
  const interfaceName = hosts instanceof TwoHosts ? hosts.interfaceName[side] : hosts.interfaceName;
  const mask = `${(2 ** (cpu % 32)).toString(16)}${",00000000".repeat(Math.floor(cpu / 32))}`;
  hosts.exec(side, "sh", "-c", `echo ${mask} > /sys/class/net/${interfaceName}/queues/rx-0/rps_cpus`);
}

/** The processors of a process's threads, as lists, those that differ from `usual`. */
function elsewhere({ child }: Running, usual: string): string[] {
  const folder = `/proc/${child.pid}/task`;
  const lists = readdirSync(folder).map((thread) => {
    const status = readFileSync(`${folder}/${thread}/status`, "utf8");
    return /^Cpus_allowed_list:\t(.*)$/m.exec(status)![1]!;
  });
  return lists.filter((list) => list !== usual);
}

/** Runs a server until it listens, and tells on what processors its stack's workers are if not on the `usual` ones. */
async function placed(hosts: TwoHosts, usual: string, ...args: string[]): Promise<string[]> {
  const place = ["--interface", hosts.interfaceName.a, "--address", `${hosts.stackAddress.a}/24`];
  const debug = ["env", "NODE_DEBUG=wasmtcp", process.execPath, CLI, "server", "7", "--debug"] as const;
  const server = hosts.start("a", ...debug, ...place, ...args);
  await server.saw("listen to port 7");
  const lists = elsewhere(server, usual);
  server.child.kill("SIGINT");
  const { code, stderr } = await server.finished;
  assert.is(code, 130, stderr);
  const told = [...stderr.matchAll(/started, thread \w+(?: on processors (\S+))?$/gm)];
  assert.ok(told.length > 0, stderr);
  assert.equal(
    told.flatMap(([, list]) => (list === undefined || list === usual ? [] : [list])),
    lists,
    "the debug log tells the same",
  );
  return lists;
}

if (hasPrivileges()) {
  const all = loadAddon().threadAffinity();
  const usual = formatCpuList(all);
  const first = all[0]!;
  /** What the workers of a stack have when the frames are received on the first processor. */
  const beside = (shards: number): string[] => {
    const cpus = cpusBeside(all, new Set([first]), shards);
    return cpus === undefined ? [] : Array<string>(shards).fill(formatCpuList(cpus));
  };

  affinity("unless it is asked for, and without RPS, no thread is moved", async () => {
    using hosts = new TwoHosts();
    assert.equal(await placed(hosts, usual, ...AUTO), []);
    steer(hosts, "a", first);
    assert.equal(await placed(hosts, usual), []);
    assert.equal(await placed(hosts, usual, "--affinity", "none"), []);
  });

  affinity("auto: the worker, and it alone, keeps off the processor that receives for its interface", async () => {
    using hosts = new TwoHosts();
    steer(hosts, "a", first);
    assert.equal(await placed(hosts, usual, ...AUTO), beside(1));
    assert.equal(await placed(hosts, usual, ...AUTO, "--emulate", "delay=1ms"), beside(1));
    assert.equal(await placed(hosts, usual, ...AUTO, "--thread", "caller"), []);
  });

  affinity("auto: workers of several shards keep off it only if there is a processor left for each", async () => {
    using hosts = new TwoHosts();
    steer(hosts, "a", first);
    for (const shards of [2, 3]) {
      assert.equal(await placed(hosts, usual, ...AUTO, "--shards", `${shards}`), beside(shards));
    }
  });

  affinity("a list is where the worker runs, whatever receives there", async () => {
    using hosts = new TwoHosts();
    steer(hosts, "a", first);
    assert.equal(await placed(hosts, usual, "--affinity", `${first}`), all.length === 1 ? [] : [`${first}`]);
    assert.equal(await placed(hosts, usual, "--affinity", usual), []);
  });

  affinity("processors that there are not fail the start, with nothing left", async () => {
    using hosts = new TwoHosts();
    const place = ["--interface", hosts.interfaceName.a, "--address", `${hosts.stackAddress.a}/24`];
    for (const list of ["8191", `${first},8191`]) {
      const server = hosts.start("a", process.execPath, CLI, "server", "7", ...place, "--affinity", list);
      const { code, stdout, stderr } = await server.finished;
      assert.equal([code, stdout], [1, ""]);
      assert.match(stderr, /sched_setaffinity\(.*8191\).*EINVAL/);
    }
    assert.is(hosts.exec("a", "cat", "/proc/net/packet").trim().split("\n").length, 1, "no packet socket is left");
  });

  affinity("a list is refused on the caller's thread, and what is no list by the command line", async () => {
    using hosts = new TwoHosts();
    const place = ["--interface", hosts.interfaceName.a, "--address", `${hosts.stackAddress.a}/24`];
    const run = (...args: string[]): Running =>
      hosts.start("a", process.execPath, CLI, "server", "7", ...place, ...args);
    const caller = await run("--thread", "caller", "--affinity", "0").finished;
    assert.is(caller.code, 1);
    assert.match(caller.stderr, /Expected `affinity`.*ERR_INVALID_ARG_VALUE/);
    const wrong = await run("--affinity", "some").finished;
    assert.is(wrong.code, 2);
    assert.match(wrong.stderr, /Expected auto, none, or processors such as 0,2-3, got 'some'/);
  });

  affinity("a sysfs of another network namespace, with an interface of the same name, is not believed", async () => {
    using hosts = new WiredHosts();
    steer(hosts, "b", first);
    const inside = ["nsenter", `--net=/run/netns/${hosts.namespace.a}`, process.execPath, CLI, "server", "7"] as const;
    const place = ["--interface", "eth0", "--address", `${hosts.stackAddress.a}/24`, "--debug", ...AUTO];
    const server = hosts.start("b", ...inside, ...place);
    await server.saw("listen to port 7");
    assert.equal(elsewhere(server, usual), []);
    server.child.kill("SIGINT");
    assert.is((await server.finished).code, 130);
  });
}

affinity.run();
