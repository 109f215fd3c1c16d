// The Internet checksum (RFC 1071) of 1460 bytes by 64-bit additions with carry, data in cache. Prints {"gigabytesPerSecond":...,"sum":...}.
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { BYTES = 1460, SAMPLES = 40, ITERATIONS = 200000 };
static uint8_t data[BYTES];

static inline uint64_t add(uint64_t sum, const uint8_t *at) {
#if defined(__x86_64__)
  __asm__("addq (%1), %0; adcq 8(%1), %0; adcq 16(%1), %0; adcq 24(%1), %0; adcq 32(%1), %0; adcq 40(%1), %0;"
          "adcq 48(%1), %0; adcq 56(%1), %0; adcq $0, %0"
          : "+r"(sum)
          : "r"(at), "m"(*(const uint8_t(*)[64])at));
#else
  for (int word = 0; word < 8; word++) {
    uint64_t value;
    memcpy(&value, at + 8 * word, 8);
    sum += value;
    sum += sum < value;
  }
#endif
  return sum;
}

__attribute__((noinline)) static uint16_t checksum(const uint8_t *at, size_t bytes) {
  uint64_t even = 0, odd = 0; // two chains, so that one need not wait for the other
  for (; bytes >= 128; at += 128, bytes -= 128) {
    even = add(even, at);
    odd = add(odd, at + 64);
  }
  for (; bytes >= 8; at += 8, bytes -= 8) {
    uint64_t value;
    memcpy(&value, at, 8);
    even += value;
    even += even < value;
  }
  uint64_t rest = 0;
  memcpy(&rest, at, bytes);
  even += rest;
  even += even < rest;
  even += odd;
  even += even < odd;
  even = (even & 0xffffffff) + (even >> 32);
  even = (even & 0xffffffff) + (even >> 32);
  even = (even & 0xffff) + (even >> 16);
  even = (even & 0xffff) + (even >> 16);
  return (uint16_t)~even;
}

int main(void) {
  for (int index = 0; index < BYTES; index++) data[index] = (uint8_t)(index * 131 + (index >> 5));
  double best = 1e9;
  unsigned sum = 0;
  for (int sample = 0; sample < SAMPLES; sample++) {
    struct timespec start, end;
    clock_gettime(CLOCK_MONOTONIC, &start);
    for (int turn = 0; turn < ITERATIONS; turn++) {
      sum += checksum(data, BYTES);
      __asm__ volatile("" ::: "memory");
    }
    clock_gettime(CLOCK_MONOTONIC, &end);
    double ns = ((end.tv_sec - start.tv_sec) * 1e9 + (end.tv_nsec - start.tv_nsec)) / ITERATIONS;
    if (ns < best) best = ns;
  }
  printf("{\"gigabytesPerSecond\":%.2f,\"sum\":%u}\n", BYTES / best, sum);
  return 0;
}
