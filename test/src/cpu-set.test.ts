// Sets of processors: the kernel's masks and lists, and what a worker takes of them.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { affinity } from "../../src/cli/affinity.ts";
import { cpusBeside, formatCpuList, parseCpuMask } from "../../src/cpu-set.ts";

const cpuSet = suite("src/cpu-set");

cpuSet("reads masks of sysfs: words of 32 processors, the highest first", () => {
  assert.equal(parseCpuMask("0\n"), []);
  assert.equal(parseCpuMask("2\n"), [1]);
  assert.equal(parseCpuMask("00000000,00000005"), [0, 2]);
  assert.equal(parseCpuMask("ff"), [0, 1, 2, 3, 4, 5, 6, 7]);
  assert.equal(parseCpuMask("80000000"), [31]);
  assert.equal(parseCpuMask("1,00000000"), [32]);
  assert.equal(parseCpuMask("80000001,00000000,80000000"), [31, 64, 95]);
  assert.is(parseCpuMask("ffffffff,ffffffff,ffffffff")?.length, 96);
  assert.equal(parseCpuMask(`1${",00000000".repeat(255)}`), [8160]);
});

cpuSet("takes nothing else for a mask", () => {
  for (const text of ["", "\n", ",", "1,", "0-3", "0x1", "g", "123456789", "-1", "1 2"]) {
    assert.is(parseCpuMask(text), undefined, text);
  }
});

cpuSet("writes lists as taskset does", () => {
  assert.is(formatCpuList([]), "");
  assert.is(formatCpuList([3]), "3");
  assert.is(formatCpuList([0, 1, 2, 5, 7, 8]), "0-2,5,7-8");
});

cpuSet("leaves a worker the processors that do not receive", () => {
  assert.equal(cpusBeside([0, 1], new Set([1]), 1), [0]);
  assert.equal(cpusBeside([0, 1, 2, 3], new Set([0, 3, 9]), 2), [1, 2]);
  assert.equal(cpusBeside([2, 70], new Set([2]), 1), [70]);
});

cpuSet("leaves a worker where it is if nothing or too little would be left, or none of its processors receives", () => {
  assert.is(cpusBeside([0], new Set([0]), 1), undefined);
  assert.is(cpusBeside([0, 1], new Set([0, 1]), 1), undefined);
  assert.is(cpusBeside([0, 1], new Set([1]), 2), undefined);
  assert.is(cpusBeside([0, 1], new Set(), 1), undefined);
  assert.is(cpusBeside([0, 1], new Set([2]), 1), undefined);
});

cpuSet("--affinity takes a word or a list as taskset does", () => {
  assert.is(affinity("auto"), "auto");
  assert.is(affinity("none"), "none");
  assert.equal(affinity("0"), [0]);
  assert.equal(affinity("3,0-1,1"), [3, 0, 1]);
  for (const text of ["", "all", "1-0", "-1", "1,", "0-99999", "1.5", "0x1"]) {
    assert.throws(() => affinity(text), /Expected auto, none, or processors/, text);
  }
});

cpuSet.run();
