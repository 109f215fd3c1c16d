// What packet sockets carry without a TCP: super-segments of one flow from a program's buffer to a program's buffer over AF_PACKET, with as
// many copies in between as asked for. What of a window is free is told through a file that both ends map, not by frames.
//
//   frames sink FILE INTERFACE MIB ring|direct               receives into a ring of MIB; `direct`: no receive ring of our own behind it
//   frames source FILE INTERFACE SECONDS ring|direct|pages   `direct`: no send ring of our own; `pages`: the kernel sends the pages of its TX ring
//
// The sink prints one line of JSON when the source is done: bytes, secs, gbps, drops.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/virtio_net.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum {
  SLOT_BYTES = 17 * 4096,  // a super-segment with the kernel's headers
  HEADER_BYTES = 66,       // Ethernet, IPv4, TCP with timestamps
  MSS = 1448,
  PAYLOAD = 45 * MSS,
  PREFIX = sizeof(struct virtio_net_hdr) + HEADER_BYTES,
  PAGE = 4096,
  BATCH = 4,            // frames a call, deliveries a wake-up
  WINDOW = 2 << 20,     // bytes in flight at most
  SEND_RING = 4 << 20,  // as tcp_wmem and tcp_rmem have it
  RECEIVE_RING = 6 << 20,
  APPLICATION = 1 << 20,
  TX_SLOTS = 32,
};

struct Shared {
  _Atomic unsigned long long sent, got;
  _Atomic int isWaiting, isReady, isOver;
};
static struct Shared *shared;

static void fail(const char *what) {
  perror(what);
  exit(1);
}

static double seconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec + now.tv_nsec / 1e9;
}

static char *mapped(size_t bytes, int flags, int fd) {
  char *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, flags | MAP_POPULATE, fd, 0);
  if (at == MAP_FAILED) fail("mmap");
  return at;
}

static int packetSocket(void) {
  const int on = 1, version = TPACKET_V2;
  int fd = socket(AF_PACKET, SOCK_RAW, 0);
  if (fd < 0) fail("socket");
  if (setsockopt(fd, SOL_PACKET, PACKET_VERSION, &version, sizeof version)) fail("PACKET_VERSION");
  if (setsockopt(fd, SOL_PACKET, PACKET_VNET_HDR, &on, sizeof on)) fail("PACKET_VNET_HDR");
  return fd;
}

static char *ringOf(int fd, int option, unsigned slots) {
  struct tpacket_req request = {SLOT_BYTES, slots, SLOT_BYTES, slots};
  if (setsockopt(fd, SOL_PACKET, option, &request, sizeof request)) fail("ring");
  return mapped((size_t)slots * SLOT_BYTES, MAP_SHARED, fd);
}

static void bindTo(int fd, const char *interface, int protocol) {
  struct sockaddr_ll address = {.sll_family = AF_PACKET, .sll_protocol = htons(protocol)};
  address.sll_ifindex = (int)if_nametoindex(interface);
  if (bind(fd, (struct sockaddr *)&address, sizeof address)) fail("bind");
}

static void advance(size_t *at, size_t bytes, size_t size) {
  *at += bytes;
  if (*at + PAYLOAD > size) *at = 0;
}

static void tell(size_t bytes) {
  shared->got += bytes;
  if (atomic_exchange(&shared->isWaiting, 0)) syscall(SYS_futex, &shared->isWaiting, FUTEX_WAKE, 1, NULL, NULL, 0);
}

static int sink(const char *interface, unsigned mib, int isDirect) {
  const unsigned slots = (mib << 20) / SLOT_BYTES;
  int fd = packetSocket();
  char *slotAt = ringOf(fd, PACKET_RX_RING, slots);
  char *ring = mapped(RECEIVE_RING, MAP_PRIVATE | MAP_ANONYMOUS, -1);
  char *application = mapped(APPLICATION, MAP_PRIVATE | MAP_ANONYMOUS, -1);
  size_t ringAt = 0, readAt = 0, applicationAt = 0;
  unsigned slot = 0, unread = 0;
  double first = 0, last = 0;
  bindTo(fd, interface, ETH_P_IP);
  shared->isReady = 1;
  while (!shared->isOver) {
    struct tpacket2_hdr *frame = (struct tpacket2_hdr *)(slotAt + (size_t)slot * SLOT_BYTES);
    const int isThere = (*(volatile __u32 *)&frame->tp_status & TP_STATUS_USER) != 0;
    atomic_thread_fence(memory_order_acquire);
    if (isThere) {
      if (frame->tp_snaplen == HEADER_BYTES + PAYLOAD) {
        const char *payload = (char *)frame + frame->tp_mac + HEADER_BYTES;
        last = seconds();
        if (first == 0) first = last;
        if (isDirect) {
          memcpy(application + applicationAt, payload, PAYLOAD);
          advance(&applicationAt, PAYLOAD, APPLICATION);
        } else {
          memcpy(ring + ringAt, payload, PAYLOAD);
          advance(&ringAt, PAYLOAD, RECEIVE_RING);
        }
        unread++;
      }
      atomic_thread_fence(memory_order_release);
      frame->tp_status = TP_STATUS_KERNEL;
      if (++slot == slots) slot = 0;
    }
    if (unread == BATCH || (unread > 0 && !isThere)) {
      for (unsigned n = 0; n < unread && !isDirect; n++) {
        memcpy(application + applicationAt, ring + readAt, PAYLOAD);
        advance(&applicationAt, PAYLOAD, APPLICATION);
        advance(&readAt, PAYLOAD, RECEIVE_RING);
      }
      tell((size_t)unread * PAYLOAD);
      unread = 0;
    } else if (!isThere) {
      struct pollfd wait = {fd, POLLIN, 0};
      poll(&wait, 1, 100);
    }
  }
  struct tpacket_stats statistics;
  socklen_t length = sizeof statistics;
  if (getsockopt(fd, SOL_PACKET, PACKET_STATISTICS, &statistics, &length)) fail("PACKET_STATISTICS");
  const unsigned long long bytes = shared->got;
  printf("{\"bytes\":%llu,\"secs\":%.6f,\"gbps\":%.4f,\"drops\":%u}\n", bytes, last - first,
         bytes * 8 / (last - first) / 1e9, statistics.tp_drops);
  return 0;
}

static unsigned short headerChecksum(const unsigned char *header) {
  unsigned sum = 0;
  for (int i = 0; i < 20; i += 2) sum += header[i] << 8 | header[i + 1];
  while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
  return htons(~sum);
}

// To a MAC address that nobody has: the peer's kernel gives the frame to packet sockets and drops it
static void writePrefix(char *at) {
  static const unsigned char ETHERNET[14] = {2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0};
  struct virtio_net_hdr offload = {.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM, .gso_type = VIRTIO_NET_HDR_GSO_TCPV4};
  offload.hdr_len = HEADER_BYTES;
  offload.gso_size = MSS;
  offload.csum_start = 34;
  offload.csum_offset = 16;
  unsigned char ip[20] = {0x45, 0, (PAYLOAD + 52) >> 8, (PAYLOAD + 52) & 255, 0, 0, 0, 0, 64, 6, 0, 0, 10, 77, 0, 12, 10, 77, 0, 11};
  const unsigned short sum = headerChecksum(ip);
  unsigned char tcp[32] = {0xc0, 1, 0x13, 0x89};
  tcp[12] = 0x80;
  tcp[13] = 0x10;
  memcpy(ip + 10, &sum, 2);
  memcpy(at, &offload, sizeof offload);
  memcpy(at + sizeof offload, ETHERNET, 14);
  memcpy(at + sizeof offload + 14, ip, 20);
  memcpy(at + sizeof offload + 34, tcp, 32);
}

static void awaitRoom(void) {
  while (shared->sent - shared->got + BATCH * PAYLOAD > WINDOW) {
    const struct timespec limit = {0, 20000000};
    shared->isWaiting = 1;
    if (shared->sent - shared->got + BATCH * PAYLOAD > WINDOW) syscall(SYS_futex, &shared->isWaiting, FUTEX_WAIT, 1, &limit, NULL, 0);
    shared->isWaiting = 0;
  }
}

static void sendCopies(int fd, const char *application, char *ring, size_t *ringAt, int isDirect) {
  static char prefixes[BATCH][PREFIX];
  struct mmsghdr messages[BATCH] = {0};
  struct iovec pieces[BATCH][2];
  for (int n = 0; n < BATCH; n++) {
    const char *from = application + (size_t)n * PAYLOAD;
    if (!isDirect) {
      memcpy(ring + *ringAt, from, PAYLOAD);
      from = ring + *ringAt;
      advance(ringAt, PAYLOAD, SEND_RING);
    }
    writePrefix(prefixes[n]);
    pieces[n][0] = (struct iovec){prefixes[n], PREFIX};
    pieces[n][1] = (struct iovec){(void *)from, PAYLOAD};
    messages[n].msg_hdr = (struct msghdr){.msg_iov = pieces[n], .msg_iovlen = 2};
  }
  for (int sent = 0; sent < BATCH;) {
    const int count = sendmmsg(fd, messages + sent, BATCH - sent, 0);
    if (count < 0) fail("sendmmsg");
    sent += count;
  }
}

// Headers at the end of the slot's first page, the payload in whole pages behind it
static void sendPages(int fd, const char *application, char *slots, unsigned *slot) {
  for (int n = 0; n < BATCH; n++) {
    struct tpacket2_hdr *frame = (struct tpacket2_hdr *)(slots + (size_t)*slot * SLOT_BYTES);
    while (*(volatile __u32 *)&frame->tp_status != TP_STATUS_AVAILABLE) sched_yield();
    memcpy((char *)frame + PAGE, application + (size_t)n * PAYLOAD, PAYLOAD);
    writePrefix((char *)frame + PAGE - PREFIX);
    frame->tp_mac = PAGE - PREFIX;
    frame->tp_len = PREFIX + PAYLOAD;
    atomic_thread_fence(memory_order_release);
    frame->tp_status = TP_STATUS_SEND_REQUEST;
    *slot = (*slot + 1) % TX_SLOTS;
  }
  if (send(fd, NULL, 0, 0) < 0) fail("send");
}

static int source(const char *interface, double duration, const char *way) {
  const int isPages = strcmp(way, "pages") == 0, on = 1, sendBuffer = 16 << 20;
  int fd = packetSocket();
  if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &sendBuffer, sizeof sendBuffer)) fail("SO_SNDBUFFORCE");
  if (isPages && setsockopt(fd, SOL_PACKET, PACKET_TX_HAS_OFF, &on, sizeof on)) fail("PACKET_TX_HAS_OFF");
  char *slots = isPages ? ringOf(fd, PACKET_TX_RING, TX_SLOTS) : NULL;
  char *ring = mapped(SEND_RING, MAP_PRIVATE | MAP_ANONYMOUS, -1);
  char *application = mapped(APPLICATION, MAP_PRIVATE | MAP_ANONYMOUS, -1);
  memset(application, 7, APPLICATION);
  bindTo(fd, interface, 0);
  size_t ringAt = 0;
  unsigned slot = 0;
  while (!shared->isReady) usleep(1000);
  for (const double end = seconds() + duration; seconds() < end;) {
    awaitRoom();
    if (isPages) sendPages(fd, application, slots, &slot);
    else sendCopies(fd, application, ring, &ringAt, strcmp(way, "direct") == 0);
    shared->sent += BATCH * PAYLOAD;
  }
  shared->isOver = 1;
  return 0;
}

int main(int count, char **argument) {
  if (count != 6) return 2;
  int file = open(argument[2], O_RDWR | O_CREAT, 0600);
  if (file < 0 || ftruncate(file, sizeof *shared)) fail(argument[2]);
  shared = (struct Shared *)mapped(sizeof *shared, MAP_SHARED, file);
  if (strcmp(argument[1], "sink") == 0) return sink(argument[3], (unsigned)atoi(argument[4]), strcmp(argument[5], "direct") == 0);
  return source(argument[3], atof(argument[4]), argument[5]);
}
